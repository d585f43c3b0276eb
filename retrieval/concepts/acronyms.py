"""Pure: which acronyms and clipped words stand for which names: by brackets, or by letters alone where those
leave no choice.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from retrieval.concepts.candidates import Candidates
from retrieval.concepts.headings import BRACKETED
from retrieval.concepts.names import is_acronym, is_clipped, stands_for
from retrieval.concepts.termhood import Scored, commonness
