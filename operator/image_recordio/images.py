"""Making an image fit for a `.rec`: readable, JPEG or PNG, and resized if asked. Needs Pillow."""

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from image_recordio.errors import DatasetError

KEPT_FORMATS = ("JPEG", "MPO", "PNG")
"""What MXNet and the built-in algorithm are documented to read; MPO is a JPEG with further pictures behind it.

Stored byte for byte when no resize is asked.
"""

ORIENTED = "an EXIF orientation"
CMYK = "CMYK colors"
TRANSPARENT = "transparency"
DEEP = "16-bit samples"

_READ_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_JPEG_QUALITY = 95  # im2rec's default
_ORIENTATION = 0x0112
# Their range is not known: 0 to 1, 0 to 255, meters.
_UNBOUNDED_MODES = ("I", "F")
_LOSSY = {"JPEG": "JPEG", "MPO": "JPEG"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """An encoded image as it goes into a record.

    `oddities`: what it has that readers treat differently (ORIENTED, CMYK, TRANSPARENT, DEEP); none once it
    was re-encoded.
    """

    data: bytes
    oddities: tuple[str, ...] = ()


def prepare(data: bytes, *, name: str, resize: int | None) -> Prepared:
    """Return the image, re-encoded only if it has to be: then upright, and 8-bit gray or RGB.

    `resize` is the wanted length of the shorter edge in pixels, the aspect ratio being kept (im2rec's
    `--resize`). Transparency is dropped, as im2rec and the algorithm drop it. Raises DatasetError, with
    `name`, for what cannot be decoded.
    """
    with warnings.catch_warnings():
        # Of damaged metadata and of many pixels, which keep no image from being packed.
        warnings.simplefilter("ignore")
        return _prepared(data, name, resize)


def encode(image: Image.Image, image_format: str) -> bytes:
    """Encode as a JPEG or PNG file of 8-bit gray or RGB; the same image gives the same bytes."""
    out = BytesIO()
    # A color profile or a transparent color would be the source's, which may have had another mode.
    png: dict[str, Any] = {"icc_profile": None, "transparency": None}
    options: dict[str, Any] = {"quality": _JPEG_QUALITY} if image_format == "JPEG" else png
    _plain(image).save(out, image_format, **options)
    return out.getvalue()


def _prepared(data: bytes, name: str, resize: int | None) -> Prepared:
    image, oddities = _decode(data, name)
    if resize is None and image.format in KEPT_FORMATS:
        return Prepared(data, oddities)
    target = _plain(_upright(image))
    if resize is not None:
        target = _shorter_edge(target, resize)
    return Prepared(encode(target, _LOSSY.get(image.format or "", "PNG")))


def _decode(data: bytes, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    try:
        image = Image.open(BytesIO(data), formats=_READ_FORMATS)
        # Pillow itself reads 16-bit RGB as 8-bit RGB; afterwards nothing tells.
        is_deep = any(";16" in str(tile) for tile in image.tile)
        image.load()
    except UnidentifiedImageError as error:
        # Pillow's own words name an address in memory.
        raise DatasetError(f"{name} cannot be read as an image: it is no {_listed(_READ_FORMATS)}") from error
    except Exception as error:  # Pillow's decoders raise whatever a broken file makes them trip over
        raise DatasetError(f"{name} cannot be read as an image: {error}") from error
    if image.mode in _UNBOUNDED_MODES:
        raise DatasetError(f"{name} cannot be read as an image: it has 32-bit samples; save it with 8 bits a channel")
    return image, tuple(_oddities(image, is_deep=is_deep))


def _oddities(image: Image.Image, *, is_deep: bool) -> list[str]:
    found = []
    if _orientation(image) not in (None, 1):
        found.append(ORIENTED)
    if image.mode == "CMYK":
        found.append(CMYK)
    if image.has_transparency_data:
        found.append(TRANSPARENT)
    if is_deep or image.mode.startswith("I;16"):
        found.append(DEEP)
    return found


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(_ORIENTATION)
    except Exception:  # a damaged EXIF block, which decoders pass over
        return None


def _upright(image: Image.Image) -> Image.Image:
    """Turn the image as its EXIF orientation says, which re-encoding loses; OpenCV, and so im2rec, does that, too."""
    if _orientation(image) in (None, 1):
        return image
    turned = ImageOps.exif_transpose(image)
    return turned if turned is not None else image


def _plain(image: Image.Image) -> Image.Image:
    """Convert to 8-bit gray if it was gray without more, else to RGB."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode.startswith("I;16"):
        # Pillow cuts off at 255, which makes nearly all of it white.
        image = image.convert("I").point(lambda sample: sample * (1 / 256)).convert("L")
    return image.convert("L" if image.mode == "1" else "RGB")


def _shorter_edge(image: Image.Image, length: int) -> Image.Image:
    scale = length / min(image.size)
    width, height = (max(length, round(edge * scale)) for edge in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
