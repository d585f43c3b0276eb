"""Pure: sentences as folded words with breaks between them, and which words can be part of a concept's name.

Without a tagger: function words, frequent verbs, adverbs and adjectives that say nothing of their own
end a phrase. The lists hold general English only, never the words of a subject.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from retrieval.concepts.names import STAR, fold

BREAK = ""
"""Stands where a phrase cannot go on: punctuation, a formula, a piece of code."""

_SPANS = re.compile(r"`+[^`\n]*`+|\$\$.*?\$\$|\$[^$\n]{1,300}\$|\\\(.*?\\\)|\\\[.*?\\\]|https?://\S+", re.DOTALL)
_TOKEN = re.compile(r"[^\W_]+(?:['’](?!s\b)[a-z]{1,2}\b)?(?:['’]s?\b)?|[^\w\s]|_+")
_JOINED = frozenset("-‐‑–'’")
_LONGEST_KEPT = 40
"""Characters of what is remembered once it was read; what goes on for longer is data."""
_MOST_KEPT = 100_000

FUNCTION_WORDS = frozenset(
    """a about above across after again against ago all almost along already also although always am among amongst an
    and another any anybody anyone anything anyway are aren't around as at away back be became because become becomes
    been before behind being below beneath beside besides between beyond both but by can can't cannot could couldn't
    despite did didn't do does doesn't doing don't done down due during each either else enough etc even ever every
    everybody everyone everything except few fewer for former from further had hadn't has hasn't have haven't having he
    hence her here hers herself him himself his how however i i'd i'll i'm i've if in indeed inside instead into is
    isn't it it's its itself just least less let let's lot lots many may maybe me might mine more moreover most much
    must my myself near nearly neither never nevertheless no nobody none nor not nothing now nowhere of off often oh ok
    on once one ones only onto or other others otherwise ought our ours ourselves out outside over own per perhaps
    please quite rather really same shall she should shouldn't since so some somebody someone something sometimes
    somewhat somewhere soon still such than that that's the their theirs them themselves then there therefore these
    they they're this those though through throughout thus till to together too toward towards under unless until up
    upon us very via vs was wasn't we we'll we're we've well were weren't what whatever when whenever where whereas
    whereby wherein wherever whether which whichever while who whoever whole whom whose why will with within without
    won't would wouldn't yes yet you you'll you're you've your yours yourself yourselves
    hey thanks thank hello""".split()
)

# Forms of verbs that are hardly ever part of a name.
_VERBS = frozenset(
    """accept achieve add added adding address aim allow allowed allows answer appear appears apply applied applies
    applying argue arise ask assume assumed assumes assuming avoid begin begins believe belong belongs bring
    brings call called came cause causes change changed changes check choose chooses chosen click combine come comes
    compare compared compute computed computes computing consider considered considering considers consist consists
    contain contained containing contains continue convert copy correspond corresponds create created creates creating
    decide define defined defines defining denote denoted denotes depend depends derive derived describe described
    describes describing determine determined develop developed differ discuss discussed download draw drawn drop
    dropped employ enable enables end ends ensure establish estimate estimated evaluate evaluated evaluating examine
    execute executed exist exists expect explain explained explains explore express expressed extend extract extracted
    fill find finding finds fit fits follow followed follows force form formed gain gave generate generated generates
    generating get gets getting give given gives giving go goes going got grow happen happens help helps hold holds
    identify illustrate illustrated imagine implement implemented implementing implements imply implies import
    importing improve include included includes including increase increased increases indicate indicates initialize
    initialized input insert install intend intended introduce introduced introduces involve involved involves keep
    keeps knew know known knowing lead leads learn learned learns leave leaves let lie lies like load loaded look
    looking looks made maintain make makes making map maps mean means measure measured mention mentioned minimize
    minimizes modify move moves need needed needs note notice observe obtain obtained obtains occur occurs offer open
    originate pass passed passes perform performed performing performs pick place play plays plot predicts prepare
    present presented press prevent print proceed produce produced produces propose proposed prove provide provided
    provides providing put puts raise read reach recall receive receives reduce reduces refer referred refers regard
    relate related rely remain remains remember remove removed replace replaced report represent represented
    representing represents require required requires respond rest result resulted results return returned returns run
    running runs said satisfy satisfies save saved saw say says see seek seem seems seen select selected send serve
    set sets setting show showed showing shown shows simplify sit solve solved solves sort specify specified
    specifies spend stand stands start started starts state stated stay stop store stored stores study submit suggest
    suggests suppose supposed take taken takes taking talk tell tend tends test think thought took train trained
    training tried tries treat try trying turn turned turns type understand update updated updates use used useful
    user uses using utilize utilized vary verify view visit visualize visualized visualizing want wanted wants watch
    went work worked working works write writes writing written wrote yield yields""".split()
)
# As verbs they end phrases, but names contain them too: "training set", "state space", "decision making".
_NAMING = frozenset(
    """learn learning making map mean means measure test train training trained state change input form force set sets
    type view update fit place play result return returns sort store run running work estimate gain policy generated
    weighted increase call expected learned study report present computing processing extract input""".split()
) - {"learn", "train", "fit", "run", "work", "call", "trained", "increase", "generated", "present"}

# Adjectives and adverbs that qualify anything; a name does not begin or end with them, and a term is not one of them.
_QUALIFIERS = frozenset(
    """able above abovementioned actual additional afterwards algorithmically alternative amazing analogous apparent
    appropriate approximate arbitrary available aware bad based basic best better big bigger biggest brief broad careful
    certain clear close closer coarse common complete complex complicated concrete consecutive considerable consistent
    convenient correct corresponding crucial current dedicated desired detailed different difficult easier easy
    effective efficient eight elegant enormous entire equal essential eventual evident exact example excellent exciting
    existing extensive extra extreme fair familiar famous fast faster favorite few final fine first five following
    four free frequent full fundamental general given good great greater half handy happy hard harder helpful high
    higher highest huge hundred ideal identical immediate important impossible impressive incorrect individual initial
    inner intended interesting intermediate intuitive key kind large larger largest last late later latest latter left
    lesser like likely little local long longer low lower lowest main major many meaningful mere middle million minor
    modern multiple mutual naive natural necessary new newer next nice nine normal notable novel numerous obvious odd
    old older only opposite ordinary original outer overall own partial particular past perfect plain plausible
    popular possible potential powerful practical precise preferred previous primary prior private probable proper
    public quick random rare ready real reasonable recent recommended regular related relative relevant remaining
    representative respective right rough same satisfactory second secondary seven several severe short shorter
    significant similar simple simpler single six slight slow small smaller smallest sole solid some sophisticated
    special specific standard straightforward strange strict strong stronger subsequent substantial successful
    sufficient suitable sure surprising ten terrible third thorough thousand three tiny top total tough traditional
    tricky trivial true two typical unclear underlying unique unknown unlike unnecessary unusual upper usable useful
    useless usual valid various vast visible vital weak weaker weird whole wide wonderful worst worth worthwhile wrong
    zero today tomorrow yesterday always""".split()
)
# ... unless the rest makes a name of them: "hard margin", "normal distribution", "local minimum", "prior probability",
# "random forest", "natural language", "general purpose", "partial derivative", "regular expression".
_NAMING_QUALIFIERS = frozenset(
    """approximate arbitrary complete complex consistent fair fast fine free full general hard high identical initial
    inner intermediate left likely local long low lower mutual naive natural normal null odd online ordinary original
    outer partial perfect posterior precise primary prior private public random rare real regular relative right short
    simple single special standard strong total true upper weak zero""".split()
)

_ADVERB = re.compile(r"\w{3,}ly")
_NO_ADVERB = frozenset(
    "anomaly assembly family supply apply reply monopoly poly butterfly early italy multiply".split()
)


class Wording(NamedTuple):
    """A sentence as words: `folded` for comparison, `written` as they stand; BREAK in both where nothing joins."""

    folded: tuple[str, ...]
    written: tuple[str, ...]


def _folded(word: str) -> str:
    bare = word.lower()
    for ending in ("'s", "’s", "'", "’"):
        bare = bare.removesuffix(ending)
    return bare if bare in FUNCTION_WORDS or bare in _VERBS else fold(bare)


def wording(plain: str) -> Wording:
    """The words of plain text; formulas, code and addresses become breaks."""
    # Most sentences hold none of these, and to look for a sign costs next to nothing.
    if "`" in plain or "$" in plain or "\\" in plain or "://" in plain:
        plain = _SPANS.sub(" | ", plain)
    if "*" in plain or "star" in plain:
        plain = STAR.sub("star", plain)
    folded: list[str] = []
    written: list[str] = []
    for words, forms, breaks in map(_CHUNKS.__getitem__, plain.split()):
        if breaks and (not folded or folded[-1] == BREAK):
            words, forms = words[1:], forms[1:]
        folded += words
        written += forms
    return Wording(tuple(folded), tuple(written))


_Chunk = tuple[tuple[str, ...], tuple[str, ...], bool]
"""What stands between two spaces, as in `Wording`, and whether it begins with a break."""


class _Chunks(dict[str, _Chunk]):
    """What was read already, for courses say the same words over and over; a plain look-up of it is half the work."""

    def __missing__(self, chunk: str) -> _Chunk:
        read = _read(chunk)
        if len(chunk) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[chunk] = read
        return read


_CHUNKS = _Chunks()


def _read(chunk: str) -> _Chunk:
    folded: list[str] = []
    written: list[str] = []
    for token in _TOKEN.findall(chunk):
        if token[0].isalnum():
            folded.append(_folded(token))
            written.append(token)
        elif token not in _JOINED and folded[-1:] != [BREAK]:
            folded.append(BREAK)
            written.append(BREAK)
    return tuple(folded), tuple(written), folded[:1] == [BREAK]


@lru_cache(maxsize=100_000)
def ends_phrase(word: str) -> bool:
    """Whether a folded word cannot stand in a name at all."""
    if word == BREAK or word in FUNCTION_WORDS:
        return True
    if word in _VERBS:
        return word not in _NAMING
    return bool(_ADVERB.fullmatch(word)) and word not in _NO_ADVERB


@lru_cache(maxsize=100_000)
def can_begin(word: str) -> bool:
    """Whether a name of several words can begin with this one."""
    return word not in _QUALIFIERS or word in _NAMING_QUALIFIERS


@lru_cache(maxsize=100_000)
def can_end(word: str) -> bool:
    """Whether a name can end with this word."""
    return word not in _QUALIFIERS and not word.isdigit() and word not in _ENDLESS


def can_be_alone(word: str) -> bool:
    """Whether a word can be a name by itself."""
    if word in _QUALIFIERS or (word in _VERBS and word not in _NAMING):
        return False
    return len(word) > 2 and not word[0].isdigit()


_ENDLESS = frozenset("based like related driven called using given etc type kind various".split())
