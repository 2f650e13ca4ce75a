"""Statements that say the same in nearly the same words."""

import re
import unicodedata
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from stance.errors import ConfigError

SHINGLE = 5  # characters; shorter ones are shared by unrelated sentences, longer ones miss changed endings
EXTRA = 0.15  # more rare shingles per row: fewer pairs to count in full for more to multiply; best of 0 to 0.3
CHUNK = 10_000_000  # multiplications and
BATCH = 100_000  # pairs at a time, so that memory does not grow with the number of similar pairs
ORDERS = 8  # after so many, hardly any variation on one sentence is left unlinked
BUDGET = 40_000  # multiplications per row; real tables need 900 (5,000 rows) to 30,000 (100,000 rows)
SLACK = 1e-9  # for products such as 0.7 * 10, which floating point puts a hair above 7

# Runs that are neither letters nor digits: matches ", « " and "_"; not "é" or "9".
NOT_WORD = re.compile(r"[\W_]+")


def fold_text(text: str) -> str:
    """Return the text in lower case, without accents, with one space for every run of punctuation.

    >>> fold_text("L’accord  « du Touquet » est CADUC !")
    'l accord du touquet est caduc'
    """
    bare = text.casefold()
    if not bare.isascii():
        bare = "".join(
            character for character in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(character)
        )
    return NOT_WORD.sub(" ", bare).strip() or text.strip()


def near_duplicate_groups(statements: Iterable[str], *, threshold: float = 0.5) -> npt.NDArray[np.int64]:
    """Return a number per statement, the same for near-duplicates, shape (n_statements,).

    Two statements are near-duplicates if the sets of their five-character sequences, after `fold_text`,
    overlap by at least `threshold` (shared / all, the Jaccard index); so are statements linked through
    others. Numbers count up from 0 in the order of first appearance. No pair is missed, except, to bound the
    time, in tables of many thousand rows that are put together from few phrases. 5,000 statements take half a
    second, 100,000 about a minute and 1.5 GB.

    >>> near_duplicate_groups(["Keep the treaty.", "Scrap it now!", "Keep the treaty…"])
    array([0, 1, 0])
    """
    if not 0 < threshold <= 1:
        raise ConfigError(f"threshold is {threshold}; expected a number above 0 and up to 1")
    numbers: dict[str, int] = {}
    which = np.array([numbers.setdefault(fold_text(text), len(numbers)) for text in statements], dtype=np.int64)
    if not numbers:
        return which
    return _similar_rows(_shingle_table(list(numbers)), threshold)[which]


def linked_groups(n: int, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return a number per item, the same for items linked by pairs (left[i], right[i]), shape (n,)."""
    graph = sparse.coo_array((np.ones(len(left), dtype=bool), (left, right)), shape=(n, n))
    return _by_appearance(connected_components(graph, directed=False)[1])


def _by_appearance(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    first, inverse = np.unique(numbers, return_index=True, return_inverse=True)[1:]
    order: npt.NDArray[np.int64] = np.argsort(np.argsort(first))
    return order[inverse]


def _shingle_table(texts: list[str]) -> sparse.csr_array:
    """Return a binary table, texts by shingles; shingles are numbered from the rarest to the commonest."""
    padded = [f" {text} ".ljust(SHINGLE) for text in texts]
    lengths = np.array([len(text) for text in padded])
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    alphabet, letters = np.unique(points, return_inverse=True)
    # A number in base len(alphabet): distinct for distinct shingles up to 7,000 different characters.
    codes = np.zeros(len(letters) - SHINGLE + 1, dtype=np.uint64)
    for offset in range(SHINGLE):
        codes = codes * np.uint64(len(alphabet)) + letters[offset : offset + len(codes)].astype(np.uint64)
    starts = np.cumsum(lengths) - lengths
    rows = np.repeat(np.arange(len(texts)), lengths)[: len(codes)]
    inside = np.arange(len(codes)) + SHINGLE <= (starts + lengths)[rows]  # not across the end of a text
    rows = rows[inside]
    vocabulary, columns = np.unique(codes[inside], return_inverse=True)
    frequency = np.bincount(columns)
    rank = np.empty(len(vocabulary), dtype=np.int64)
    rank[np.argsort(frequency, kind="stable")] = np.arange(len(vocabulary))
    table = sparse.csr_array(
        (np.ones(len(rows), dtype=np.int32), (rows, rank[columns])), shape=(len(texts), len(vocabulary))
    )
    table.sum_duplicates()
    table.data[:] = 1
    return table


def _similar_rows(table: sparse.csr_array, threshold: float) -> npt.NDArray[np.int64]:
    """Return a group number per row, the same for rows whose overlap reaches the threshold.

    Prefix filtering (Bayardo et al. 2007, Wang et al. 2012): two similar rows must share `extra` of their
    rarest shingles already, so only those are multiplied; what passes is counted in full. Work grows with how
    often the rarer shingles recur, not with the square of the table.
    """
    sizes = np.diff(table.indptr)
    order = np.argsort(sizes, kind="stable")
    table, sizes = table[order], sizes[order]
    extra = 1 + (EXTRA * sizes).astype(np.int64)
    # A row shares at least this many shingles with a similar one that is shorter, or longer.
    with_shorter = np.ceil(threshold * sizes - SLACK).astype(np.int64)
    with_longer = np.ceil(2 * threshold / (1 + threshold) * sizes - SLACK).astype(np.int64)
    probe = _rarest(table, sizes - with_shorter + extra)
    index = _rarest(table, sizes - with_longer + extra)

    groups = _neighbours(table, threshold)
    # A shingle that only one group has links nothing new; the commonest, which come last, may cost too much.
    lowest_group, highest_group = np.full((2, table.shape[1]), [[len(sizes)], [-1]])
    rows = np.repeat(groups, sizes)
    np.minimum.at(lowest_group, table.indices, rows)
    np.maximum.at(highest_group, table.indices, rows)
    cost = probe.sum(axis=0) * index.sum(axis=0) * (lowest_group < highest_group)
    kept = np.flatnonzero((cost > 0) & (np.cumsum(cost) <= BUDGET * len(sizes)))
    probe, index = probe[:, kept], index[:, kept]
    work = np.cumsum(probe @ index.sum(axis=0))
    edges = np.unique(np.searchsorted(work, np.arange(0, work[-1] + 1, CHUNK)))
    for start, stop in zip(edges, [*edges[1:], len(sizes)], strict=True):
        # Rows are sorted by size: those below `lowest` are too short, those from `stop` on come later.
        lowest = int(np.searchsorted(sizes, threshold * sizes[start] - SLACK))
        shared = probe[start:stop] @ index[lowest:stop].T
        likely = np.flatnonzero(shared.data >= extra[lowest])
        left = start + np.searchsorted(shared.indptr, likely, side="right") - 1
        right = lowest + shared.indices[likely].astype(np.int64)
        likely = (left > right) & (shared.data[likely] >= np.minimum(extra[left], extra[right]))
        left, right = left[likely], right[likely]
        while len(left):
            groups = _link_similar(groups, left[:BATCH], right[:BATCH], table, threshold)
            # A table of variations on one sentence would have a pair for every two rows: skip what is linked.
            apart = np.flatnonzero(groups[left[BATCH:]] != groups[right[BATCH:]]) + BATCH
            left, right = left[apart], right[apart]
    return _by_appearance(groups[np.argsort(order)])


def _neighbours(table: sparse.csr_array, threshold: float) -> npt.NDArray[np.int64]:
    """Return a group number per row after linking similar neighbours in a few orders (MinHash)."""
    rng = np.random.default_rng(0)
    groups = np.arange(table.shape[0])
    for _ in range(ORDERS):
        least = [
            np.minimum.reduceat(rng.permutation(table.shape[1])[table.indices], table.indptr[:-1]) for _ in range(2)
        ]
        order = np.lexsort(least)
        groups = _link_similar(groups, order[:-1], order[1:], table, threshold)
    return groups


def _link_similar(
    groups: npt.NDArray[np.int64],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    table: sparse.csr_array,
    threshold: float,
) -> npt.NDArray[np.int64]:
    """Return the groups after joining those of each pair of rows (left[i], right[i]) that proves similar."""
    sizes = np.diff(table.indptr)
    both = table[left].multiply(table[right]).sum(axis=1)
    similar = both >= threshold * (sizes[left] + sizes[right] - both) - SLACK
    return linked_groups(len(groups), groups[left[similar]], groups[right[similar]])[groups]


def _rarest(table: sparse.csr_array, counts: npt.NDArray[np.int64]) -> sparse.csr_array:
    """Return the table with only the first `counts[i]` shingles of row i, which are its rarest."""
    sizes = np.diff(table.indptr)
    position = np.arange(table.nnz) - np.repeat(table.indptr[:-1], sizes)
    kept = table.copy()
    kept.data = (position < np.repeat(counts, sizes)).astype(table.dtype)
    kept.eliminate_zeros()
    return kept
