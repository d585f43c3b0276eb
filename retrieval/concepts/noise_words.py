"""The words and phrases that `noise` knows, folded as `names.tokens` folds them. Data only."""


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(text.split()).split(" / "))


BOILERPLATE = _phrases(
    """
    about / about this course / abstract / acknowledgement / acknowledgment / additional information /
    additional material / additional reading / additional resource / admin / administrivia / agenda / aim /
    announcement / answer / answer key / appendix / assignment / at a glance / author / background / before you
    begin / before you start / bibliography / bonus / caption / case study / caveat / challenge / changelog /
    chapter / checklist / citation / coda / comment / common mistake / conclusion / contact / contributor /
    copyright / course / course description / course outline / credit / data / dataset / deadline / deliverable
    / dependency / description / detail / disclaimer / discussion / discussion question / due date / epilogue /
    equation / example / exercise / experiment / extra / extra credit / faq / figure / file / final remark /
    final thought / fixme / footnote / foreword / further information / further reading / future work / getting
    started / glossary / grading / hands on / helper / helper class /
    helper function / helper method / hint / homework / how to cite / how to use / import / import
    library / important / important note / in a nutshell / in summary / index / info / installation /
    instruction / instructor / intro / introduction / introduction and motivation / issue / key concept / key
    idea / key point / key takeaway / key term / lab / learning goal / learning objective / learning outcome /
    lecture / lecture note / lecture slide / lecture video / lesson / library / license / limitation / link /
    list / literature / main idea / material / misc / miscellaneous / module / more / more example / more
    information / motivating example / motivation / n a / na / nan / nomenclature / notation / note / notebook /
    notice / objective / office hour / other / other resource / outline / outlook / outro / overview / page /
    paper / part / point / postscript / practice / practice problem / preamble / preface / preliminary /
    preparation / prerequisite / pro and con / problem / problem set / problem statement / project / prologue /
    proof / proof sketch / purpose / question / question and answer / questions / quick start / quickstart /
    quiz / rationale / reading / reading list / recap / recommended reading / reference / related work / remark
    / reminder / required reading / requirement / resource / result / review / review question / rubric / sample
    / scenario / schedule / scope / section / see also / self check / setting / setup / side note / slide /
    solution / source / step / story / suggested reading / summary / supplement / supplementary material /
    syllabus / table / takeaway / task / tba / tbd / template / term / test your knowledge / thank you / the end
    / tip / title / tldr / to do / todo / todo list / toolbox / topic / troubleshooting / tutorial / unit /
    untitled / usage / use case / useful link / video / walkthrough / warm up / warmup / warning / week / what
    next / whats next / worked example / workshop / wrap up / your task / your turn /
    animation / animations / intuition / documentation / recitation / from scratch / scratch / readme / visualisation
    """
)
"""Headings that any course's pages have."""

NAVIGATION = _phrases(
    """
    back / back to top / binder / click here / close / code / colab / collapse / contents / continue reading /
    cookies / copy / copy link / dark mode / download / download notebook / download pdf / edit / edit on github
    / edit this page / expand / expand all / github / go back / go to top / hide / home / homepage / launch
    binder / learn more / loading / log in / log out / login / logout / main menu / menu / navigation / next /
    next chapter / next lecture / next page / next section / on this page / open in binder / open in colab /
    open in github / open in kaggle / open in new tab / page not found / playground /
    powered by / prev / previous / previous
    page / print / privacy policy / read more / report an issue / run in colab / run in google colab / search /
    share / show / show all / show code / show more / sidebar / sign in / sign up / site map / sitemap / skip to
    content / skip to main content / subscribe / table of content / terms of service / terms of use / toc /
    toggle navigation / top / up / view all / view on github / view on tensorflow org / view source / view
    source on github / watch / watch video / youtube
    """
)
"""What the pages' frames and buttons say."""

GENERAL = frozenset(
    """
    ability access accuracy action activity addition advantage aim algorithm alternative amount analysis answer
    application approach area argument aspect assumption attribute author background basic basis behavior
    benefit block body box calculation case category cause challenge change chapter characteristic choice class
    code collection column combination comment common comparison complete complex complexity component
    computation compute computer concept condition configuration connection consequence consider consideration
    constant context contrast contribution control count course criterion current data dataset date decision
    deep define definition degree demonstration description design detail development difference different
    difficulty dimension direction disadvantage discrete discussion distance domain dynamic edge effect
    efficient element end environment equation error estimate evaluate event example exception exercise
    experiment explain explanation explore expression extension fact factor feature field figure file final find
    finding fixed form format formula formulation foundation framework function general generic global goal
    group guide hand heading history idea image implementation importance important improve improvement index
    information initial input instance instruction interaction interface intermediate issue item key kind
    knowledge label language large layer learning lecture length let level library limit limitation line linear
    link list local location long machine main material matter maximum meaning measure measurement mechanism
    member method metric minimum mode model modern modification module multiple name nature need new node
    nonlinear note notion number object objective observation operation operator optimal option order output
    overall overview parameter part pattern performance period person perspective phase phenomenon picture piece
    place plan point position possibility possible practical practice predict prediction presence previous
    principle problem procedure process product program project proof property purpose quality quantity question
    random range rate real reason record reference relation relationship representation requirement research
    resource response rest result role row rule sample scale scheme science section selection sense sequence
    series set setting several shape side sign similar simple simulation single situation size small software
    solution source space special specific specification stage standard start state statement static step
    strategy structure student study subject subset success sum summary support symbol system table task
    technique technology term test text theory thing time title tool topic total training transform
    transformation transition trial true type typical understand unit unknown update usage use useful user value
    variable variant variation variety version video view way week word work
    """.split()
)
"""Words that name a concept only where a course defines them."""

LABELS = frozenset(
    """
    account advantage advice aside assignment author blog book caption chapter cheatsheet comparison competition
    consideration contents course cover demo detail development disadvantage example exercise experience extension
    facts fun goal guideline homepage homework hyperlink idea implementation instruction instructor introduction issue
    landscape lecture lecturer lesson milestone name notebook option overview page playlist podcast post preference
    preparation profile purpose question reader reading remark repo repository requirement resource result section
    setting setup side site slide snippet step student submission subscription summary textbook tip tutorial url usage
    viewpoint walkthrough webpage website workshop writeup
    """.split()
)
"""Last words of labels and of names of documents, people and places to look: what they end is no concept."""

PLACES = frozenset(
    """
    app archive article arrow axis chart company competition dataset directory file folder library package paper people
    person plugin platform plot product script server service software student team term tool toolkit user video
    """.split()
)
"""Last words of names of documents, pictures, tools and people that a page only mentions, unless it teaches them."""

SHOWING = frozenset("example exercise homework assignment demo demonstration tutorial exam quiz".split())
"""Words that make a label of any name they stand in."""

GIVEN_NAMES = frozenset(
    """
    aaron abraham adam adrian agnes ahmed alan albert alberto alejandro alex alexander alexei alfred ali alice alison
    amanda amir amy ana anders andre andreas andrei andrej andrew andrey angela anita ann anna anne anthony antoine
    antonio arthur ashish barbara beatrice benjamin bernard bernhard betty bill boris brian bruce carl carla carlos
    carol caroline catherine cecilia charles charlotte chen chloe chris christian christina christine christoph
    christopher claire claude claudia colin craig cynthia daniel daniela david deborah dennis diana diego dimitri
    dmitri dmitry donald dorothy douglas edgar edmund eduardo edward elena eleanor elizabeth ellen emil emily emma
    enrico eric erik ernest eugene eva evelyn fatima felix fernando florence frances francesca francesco francis
    francois frank franz fred frederick friedrich gabriel gareth gary geoffrey george georg gerald gerhard giovanni
    giulia giuseppe gordon greg gregor gregory guido guillaume gustav hannah hans harold harriet harry hassan heinrich
    helen henri henry herbert hermann howard hugh hugo ian ibrahim ilya ingrid irene isaac isabel ivan jack jacob
    jacques james jane janet jason javier jean jeff jeffrey jennifer jeremy jerome jerry jessica jim joachim joan
    joanna johann johannes john jonathan jorge jose josef joseph joshua juan judith julia julian julie jurgen karen
    karin karl katherine kathleen keith kenneth kevin kim klaus konrad kristina kurt larry laura lars laurent lawrence
    leo leon leonard leonardo leonid leopold leslie lewis linda lisa louis louise lucas lucia ludwig luigi luis luke
    manuel marc marco margaret maria marie mario marion mark markus marta martha martin mary mathias matteo matthew
    matthias maurice max maximilian megan melissa michael michel miguel mikhail mohamed mohammed monica moses nancy
    natalie nathan neil nicholas nick nicolas nicole niels nikita nikolai nina noah olga oliver olivia oscar otto pablo
    pamela patricia patrick paul pedro peter philip philippe pierre quentin rachel ralph raymond rebecca rene richard
    robert roberto robin rodrigo roger roland ronald rosalind ruth ryan sally samantha samuel sandra sarah scott sean
    sebastian sergei sergey sergio sharon sheila shirley sigmund simon sofia sonia sophia sophie stefan stella stephan
    stephanie stephen steven stuart susan svetlana sylvia theodor theodore theresa thomas tim timothy tobias todd
    tom tony ulrich ursula valentina vera veronica victor victoria viktor vincent virginia vladimir walter wendy werner
    wilhelm william wolfgang xavier yann yolanda yoshua yuri yves zachary
    """.split()
)
"""First names that are hardly anything else."""

CONCEPTS_TOO = frozenset(
    """
    array bool calendar code complex compression concurrency copyright decimal dict email enum exception filter
    float fractions hash html http idle int interpreter json license list map memoryview numbers object operator
    parser platform pow power profile property queue range secrets select set shelve signal slice socket stat
    statistics str string struct symbol symtable test thread token tracing tuple type types uuid warning wave
    zip
    """.split()
)
"""Python's modules and built-ins whose names are also words of a subject: a queue, a signal, statistics."""

IDENTIFIERS = frozenset(
    """
    append arange argmin argparse args argsort asarray astype ax backward cfg clf config ctx cumsum cv2
    dataloader defaultdict deque df dropna dtype elif epochs fillna fit forward getattr getitem groupby hstack
    idx iloc imread imshow init isinstance itertools keras kwargs len linspace loc matmul matplotlib meshgrid
    namedtuple ndarray nn nonlocal np num numpy pandas params pd pip plt predict printf println reshape savefig
    scipy seaborn self setattr sklearn sns squeeze stderr stdin stdout tensorflow tf tmp torch torchvision tqdm
    unsqueeze vstack xlabel xs ylabel ys zeros
    """.split()
)
"""Names of methods, variables, libraries and their short forms; they count in lower case only."""
