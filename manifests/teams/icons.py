"""Draw the Teams app's two icons: a falling loss curve.

`python -m manifests.teams.icons` writes them.

Teams wants color.png at 192x192, its sign within the middle 120x120 on one colour, and outline.png
at 32x32, white on nothing
(https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package#app-icons).
"""

import itertools
import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

Pixel = tuple[int, int, int, int]

FOLDER = Path(__file__).parent
GROUND: Pixel = (0x1F, 0x3A, 0x5F, 255)  # accentColor of manifest.json
WHITE: Pixel = (255, 255, 255, 255)
CLEAR: Pixel = (255, 255, 255, 0)
# The curve in the unit square, y downwards: fast at first, then flat.
CURVE = [(t / 24, 1 - 0.92 * math.exp(-3.4 * t / 24)) for t in range(25)]
PARTS = 4  # samples a side for each pixel, against jagged edges


def color() -> bytes:
    """Return color.png."""
    return png(192, lambda x, y: blend(GROUND, WHITE, ink(x, y, at=46, side=100, width=5.5)))


def outline() -> bytes:
    """Return outline.png."""
    return png(32, lambda x, y: blend(CLEAR, WHITE, ink(x, y, at=4, side=24, width=1.1)))


def ink(x: float, y: float, *, at: float, side: float, width: float) -> float:
    """Return 1 where the sign is drawn, else 0: two axes, the curve, the dot at its end."""
    points = [(at + side * u, at + side * v * 0.82) for u, v in CURVE]
    axes = [(at, at - side * 0.06), (at, at + side), (at + side, at + side)]
    end_x, end_y = points[-1]
    near = min(distance(x, y, points), distance(x, y, axes))
    return float(near <= width or math.hypot(x - end_x, y - end_y) <= 2.1 * width)


def distance(x: float, y: float, line: list[tuple[float, float]]) -> float:
    """Return how far a point is from a line of straight pieces."""
    return min(_from_piece(x, y, *a, *b) for a, b in itertools.pairwise(line))


def _from_piece(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:  # noqa: PLR0913, PLR0917 - three points
    length = (bx - ax) ** 2 + (by - ay) ** 2
    t = max(0.0, min(1.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length))
    return math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay))


def blend(under: Pixel, over: Pixel, share: float) -> Pixel:
    """Return the colour between two."""
    red, green, blue, alpha = (round(u + (o - u) * share) for u, o in zip(under, over, strict=True))
    return red, green, blue, alpha


def png(side: int, paint: Callable[[float, float], Pixel]) -> bytes:
    """Return a square picture, each pixel the mean of its samples."""
    rows = bytearray()
    for y in range(side):
        rows.append(0)  # no filter
        for x in range(side):
            rows += bytes(_mean([paint(x + dx, y + dy) for dx in _STEPS for dy in _STEPS]))
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


_STEPS = [(part + 0.5) / PARTS for part in range(PARTS)]


def _mean(samples: list[Pixel]) -> Pixel:
    red, green, blue, alpha = (
        round(sum(channel) / len(samples)) for channel in zip(*samples, strict=True)
    )
    return red, green, blue, alpha


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    (FOLDER / "color.png").write_bytes(color())
    (FOLDER / "outline.png").write_bytes(outline())
