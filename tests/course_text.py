"""Small courses as plain text, for tests of what is mined from them."""

import re

from fakes import passage

from retrieval.concepts.corpus import Corpus, read_corpus
from retrieval.concepts.mining import Mined, mine
from retrieval.concepts.names import key
from retrieval.concepts.terms import Term
from retrieval.passage import Passage

_HEADING = re.compile(r"(#+) (.*)\n?")


def passages_of(text: str, first_page: int = 0) -> list[Passage]:
    """Pages are parted by lines of ===; `# ` begins a page's title and `## ` a section."""
    found: list[Passage] = []
    for number, page in enumerate(text.strip().split("\n===\n"), first_page):
        title = ""
        headings: tuple[str, ...] = ()
        for position, part in enumerate(re.split(r"\n(?=#+ )", page.strip())):
            heading = _HEADING.match(part)
            if heading and len(heading[1]) == 1:
                title = heading[2]
            elif heading:
                headings = (heading[2],)
            body = part[heading.end() :].strip() if heading else part
            found.append(passage(body or title, number, position, title, headings))
    return found


def corpus_of(text: str) -> Corpus:
    """The corpus of a small course."""
    return read_corpus(passages_of(text))


def mined(text: str) -> Mined:
    """What is mined from a small course."""
    return mine(corpus_of(text))


def by_name(found: Mined) -> dict[str, Term]:
    """The terms by the key of each of their names."""
    return {key(name): term for term in found.terms for name in (*term.aliases, term.title)}


def titles(found: Mined) -> set[str]:
    """All titles in lower case."""
    return {term.title.lower() for term in found.terms}


BIOLOGY = """
# Cellular respiration
Cellular respiration is the process by which cells release the energy stored in glucose. It takes place in three
stages. The cell keeps the energy as adenosine triphosphate (ATP).

Aerobic respiration needs oxygen. Unlike fermentation, aerobic respiration oxidizes glucose completely. Most of the
ATP is made on the inner membrane of the mitochondrion.

## Glycolysis
Glycolysis is a pathway of ten reactions that splits one glucose into two molecules of pyruvate. It happens in the
cytosol and needs no oxygen. The net yield of glycolysis is two ATP. Pyruvate is then carried into the mitochondrion.

## The citric acid cycle
The citric acid cycle, also known as the Krebs cycle, completes the oxidation of glucose. Each turn of the Krebs cycle
gives off carbon dioxide. The citric acid cycle feeds the electron transport chain with electrons.

## Example: the sprinting cheetah
A sprinting cheetah cannot breathe fast enough, and its muscles turn to fermentation. The cheetah must rest afterwards.
===
# Photosynthesis
Photosynthesis is the process that turns light into chemical energy. The light reactions take place in the thylakoid
membrane, and the Calvin cycle in the stroma of the chloroplast.

**Chlorophyll** is a pigment that absorbs red and blue light. Chlorophyll reflects green light, so that leaves look
green. Plants with much chlorophyll look darker.

## Calvin cycle
The Calvin cycle is a series of reactions that builds sugar from carbon dioxide. RuBisCO is the enzyme that binds
carbon dioxide in the Calvin cycle. It runs without light, and yet it stops in the dark.

## Summary
Photosynthesis stores energy; cellular respiration releases it. Jan Ingenhousz showed that plants need light. Read the
photosynthesis chapter of the textbook, and see `leaf_area` in leaf.csv.
===
# Mitosis vs Meiosis
Mitosis is a division of the nucleus that gives two daughter nuclei with the same chromosomes. Meiosis is a division
of the nucleus that halves the number of chromosomes.

Homologous chromosomes pair up in meiosis. Crossing over exchanges DNA between homologous chromosomes. Mitosis has no
crossing over, and chromosomes are allowed to separate at once. Homologous chromosomes carry the same genes.

## Exercises
Draw the four phases of mitosis. How many chromosomes does a daughter nucleus have?
"""

LAW = """
# Negligence
Negligence is a failure to take reasonable care that causes harm to another person. The claimant must prove a duty of
care, a breach of duty, causation and damage.

A **duty of care** is an obligation to avoid acts that one can foresee would injure a neighbour. Whoever drives owes
a duty of care to pedestrians.

## Breach of duty
A breach of duty means that the defendant fell below the standard of the reasonable person. Courts ask what the
reasonable person would have done. A breach of duty without damage is not actionable.

## Causation
Causation has two parts. The but-for test asks whether the harm would have happened anyway.
===
# Estoppel
Promissory estoppel, sometimes called equitable estoppel, stops a party from going back on a promise. Promissory
estoppel is a shield and not a sword. Equitable estoppel needs reliance on the promise.

## The postal rule
Under the postal rule, acceptance is complete when the letter is posted. The postal rule does not apply to e-mail.
===
# Judicial review
Judicial review (JR) is a procedure by which a court supervises the acts of public bodies. A claim in JR must be
brought promptly. The grounds of judicial review are illegality, irrationality and procedural impropriety.
"""

CHEMISTRY = """
# Acids and bases
A Brønsted acid is a substance that donates a proton. A Brønsted base accepts a proton. A buffer solution resists
changes of pH. The pH of a buffer solution hardly changes when a strong acid is added.

## Titration
Titration is a technique in which a solution of known concentration is added to a solution of unknown concentration.
The equivalence point is the point at which the acid and the base have reacted completely.
===
# Organic chemistry
**Alkanes** are hydrocarbons with single bonds only. **Alkenes** are hydrocarbons with at least one double bond.
Alkanes are less reactive than alkenes.

**Methanol** is the simplest alcohol. **Methanal** is the simplest aldehyde. Methanol is oxidized to methanal.
===
# Spectroscopy
Nuclear magnetic resonance (NMR) is a method that detects the spin of nuclei in a magnetic field. NMR spectroscopy
shows the carbon skeleton. The chemical shift is the position of a signal in an NMR spectrum.
"""

HISTORY = """
# Congress of Vienna
The Congress of Vienna was a meeting of ambassadors that redrew the map of Europe after Napoleon. Its aim was a
balance of power. The balance of power is a state of affairs in which no state can dominate the others. The Congress
of Vienna lasted nine months.

## Nationalism
Nationalism is the belief that every nation should have a state of its own. Nationalism spread in Italy.
===
# The Industrial Revolution
The Industrial Revolution is the change from hand production to machines. The steam engine drove the Industrial
Revolution. James Watt improved the steam engine. James Watt had a partner.

## Urbanization
Urbanization is the growth of towns at the cost of the countryside. Urbanization brought slums and cholera.
"""
SUBJECTS = (BIOLOGY, LAW, CHEMISTRY, HISTORY)
