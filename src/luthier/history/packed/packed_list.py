"""A list whose old items are kept as compressed text until somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Generic, TypeAlias, TypeVar, overload

from luthier.history.packed.chunk_file import ChunkFile, FileChunk
from luthier.history.packed.packing import Packing, Pickled, is_pickled

T = TypeVar("T")
R = TypeVar("R")
_Chunk: TypeAlias = bytes | FileChunk | list[Any]

CHUNK = 256
"""Items that are packed together."""
KEPT = 1024
"""The newest items, which are never packed: they are looked at all the time."""
_OPENED = 4  # chunks that are remembered after a look at one of their items
_WALKS = 4  # who goes through all items more often than that needs them, and gets them kept
_RETRIES = 4  # chunks that are looked at again, whether they may be packed by now, when one is cut off


def _always(item: object) -> bool:
    return True


class PackedList(Sequence[T], Generic[T]):
    """Append, read and replace items as in a list; `pack` makes the old ones small.

    An item takes some 50 to 100 bytes then, where a trial takes two thousand. Who reads while `pack` is at work sees
    the list before or after it.

    Args:
        items: in order.
        done: tells whether an item will hardly be replaced any more.
        packing: makes items small, 256 at a time; None: as text of `pickle`.
    """

    __slots__ = ("_done", "_file", "_loose", "_opened", "_parts", "_walks", "packing")

    def __init__(
        self, items: Iterable[T] = (), done: Callable[[T], bool] = _always, packing: Packing[T] | None = None
    ) -> None:
        self.packing = Pickled() if packing is None else packing
        self._parts: tuple[list[_Chunk], list[T]] = ([], list(items))  # whole chunks, and what comes after them
        self._done = done
        self._opened: dict[int, list[T]] = {}
        self._loose: list[int] = []  # chunks that are not packed
        self._walks = 0
        self._file: ChunkFile | None = None

    def leave_memory(self) -> None:
        """Keep from now on in a temporary file what is packed."""
        self._file = ChunkFile()

    @property
    def is_in_file(self) -> bool:
        """Whether what is packed leaves the memory."""
        return self._file is not None

    def __len__(self) -> int:
        chunks, rest = self._parts
        return CHUNK * len(chunks) + len(rest)

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        chunks, rest = self._parts
        if not chunks:
            return rest[place]
        if isinstance(place, slice):
            return self._slice(*place.indices(len(self)))
        number = place if place >= 0 else place + len(self)
        first = CHUNK * len(chunks)
        if number >= first:
            return rest[number - first]
        if number < 0:
            raise IndexError(f"there is no item {place}")
        return self._chunk(chunks, number // CHUNK)[number % CHUNK]

    def _slice(self, start: int, stop: int, step: int) -> list[T]:
        chunks, rest = self._parts
        first = CHUNK * len(chunks)
        if start >= first and step > 0:
            return rest[start - first : max(0, stop - first) : step]
        if step == 1:
            begun = start // CHUNK
            parts = (self._chunk(chunks, place) for place in range(begun, min(len(chunks), -(-stop // CHUNK))))
            return list(islice(chain(chain.from_iterable(parts), rest), start - CHUNK * begun, stop - CHUNK * begun))
        return [*self][start:stop:step] if step > 0 else [self[place] for place in range(start, stop, step)]

    def __setitem__(self, place: int, item: T) -> None:
        chunks, rest = self._parts
        first = CHUNK * len(chunks)
        if place >= first or place < 0:
            rest[place - first if place >= 0 else place] = item
            return
        number = place // CHUNK
        chunk = chunks[number]
        if not isinstance(chunk, list):
            chunks[number] = chunk = list(self._chunk(chunks, number))
            self._opened.pop(number, None)
            self._loose.append(number)
        chunk[place % CHUNK] = item

    def __iter__(self) -> Iterator[T]:
        chunks, rest = self._parts
        if not chunks:
            return iter(rest)
        self._walks += 1
        if self._walks > _WALKS:
            self._unpack()
            return iter(self._parts[1])
        return chain(
            chain.from_iterable(self._chunk(chunks, place, remember=False) for place in range(len(chunks))), rest
        )

    def picked(self, first: int, unpack: Callable[[bytes], list[R]], pick: Callable[[T], R]) -> list[R]:
        """Give something of every item from a place on.

        Args:
            first: the place.
            unpack: gives it of all items of a packed chunk, which costs less than the items.
            pick: gives it of an item.
        """
        chunks, rest = self._parts
        begun, begin = first // CHUNK, CHUNK * len(chunks)
        parts = ([*map(pick, one)] if isinstance(one, list) else unpack(_text(one)) for one in chunks[begun:])
        packed = islice(chain.from_iterable(parts), first - CHUNK * begun, None)
        return [*packed, *map(pick, rest[max(0, first - begin) :])]

    def chunks(self) -> list[bytes | list[T]]:
        """Give all items, those that are packed as they are."""
        chunks, rest = self._parts
        return [*(one if isinstance(one, list) else _text(one) for one in chunks), [*rest]]

    def append(self, item: T) -> None:
        """Add an item at the end."""
        self._parts[1].append(item)

    def extend(self, items: Iterable[T]) -> None:
        """Add items at the end."""
        self._parts[1].extend(items)

    def truncate(self, length: int) -> None:
        """Remove the items from a place on, none of which is packed."""
        del self._parts[1][length - CHUNK * len(self._parts[0]) :]

    def copy(self) -> PackedList[T]:
        """Give an independent copy, in which packed items are shared. Cost O(items), small."""
        chunks, rest = self._parts
        twin = PackedList(rest, self._done, self.packing)
        twin._parts = [chunk.copy() if isinstance(chunk, list) else chunk for chunk in chunks], twin._parts[1]
        twin._file = ChunkFile() if self._file is not None else None  # two that write would meet in one
        twin._loose, twin._walks = self._loose.copy(), self._walks
        return twin

    def pack(self) -> None:
        """Make the oldest chunk that is not packed small, if it is old enough. Cost O(1), 10 microseconds an item."""
        chunks, rest = self._parts
        if len(rest) < CHUNK + KEPT or self._walks > _WALKS:
            return
        retried, self._loose = [*self._loose[:_RETRIES], len(chunks)], self._loose[_RETRIES:]
        chunks = [*chunks, rest[:CHUNK]]
        for place in retried:
            chunk = chunks[place]
            if isinstance(chunk, list) and all(map(self._done, chunk)):
                chunks[place] = self._put(self.packing.pack(chunk, CHUNK * place))
            else:
                self._loose.append(place)
        self._parts = chunks, rest[CHUNK:]

    def parts(self) -> tuple[list[bytes], list[T]]:
        """Give all whole chunks packed, and the items that come after them; the list stays as it is. Cost O(items)."""
        chunks, rest = self._parts
        whole = len(rest) - len(rest) % CHUNK
        loose = [*chunks, *(rest[first : first + CHUNK] for first in range(0, whole, CHUNK))]
        pack = self.packing.pack
        packed = [pack(one, CHUNK * p) if isinstance(one, list) else _text(one) for p, one in enumerate(loose)]
        return packed, rest[whole:]

    def fill(self, chunks: Iterable[bytes], rest: Iterable[T]) -> None:
        """Set all items, as `parts` has given them."""
        self._parts, self._opened, self._loose = ([*map(self._put, chunks)], [*rest]), {}, []

    def _put(self, packed: bytes) -> bytes | FileChunk:
        """Have a chunk leave the memory; one that is pickled never does."""
        return packed if self._file is None or not packed or is_pickled(packed) else self._file.put(packed)

    def _unpack(self) -> None:
        chunks, rest = self._parts
        self._parts = (
            [],
            [*chain.from_iterable(self._chunk(chunks, p, remember=False) for p in range(len(chunks))), *rest],
        )
        self._opened, self._loose = {}, []

    def _chunk(self, chunks: list[_Chunk], place: int, *, remember: bool = True) -> list[T]:
        chunk = chunks[place]
        if isinstance(chunk, list):
            return chunk
        found = self._opened.get(place)
        if found is None:
            found = self.packing.unpack(_text(chunk), CHUNK * place, CHUNK)
            if remember:
                if len(self._opened) >= _OPENED:
                    self._opened = {}
                self._opened[place] = found
        return found


def _text(chunk: bytes | FileChunk) -> bytes:
    return chunk if isinstance(chunk, bytes) else chunk.read()
