"""Making an image fit for a `.rec`: readable, JPEG or PNG, and resized if asked. Needs Pillow."""

from io import BytesIO

from PIL import Image

from image_recordio.errors import DatasetError

KEPT_FORMATS = ("JPEG", "PNG")
"""What MXNet and the built-in algorithm are documented to read.

Stored byte for byte when no resize is asked.
"""

_READ_FORMATS = (*KEPT_FORMATS, "BMP", "TIFF", "WEBP")
_JPEG_QUALITY = 95  # im2rec's default


def prepare(data: bytes, *, name: str, resize: int | None) -> bytes:
    """Return the image, re-encoded only if it has to be.

    `resize` is the wanted length of the shorter edge in pixels, the aspect ratio being kept (im2rec's
    `--resize`). Raises DatasetError, with `name`, for what cannot be decoded.
    """
    image = _decode(data, name)
    if resize is None and image.format in KEPT_FORMATS:
        return data
    # A palette or a mask cannot be interpolated.
    target = image if resize is None else _shorter_edge(image.convert(_plain_mode(image)), resize)
    return encode(target, "JPEG" if image.format == "JPEG" else "PNG")


def encode(image: Image.Image, image_format: str) -> bytes:
    """Encode as a JPEG or PNG file; the same image gives the same bytes."""
    out = BytesIO()
    options = {"quality": _JPEG_QUALITY} if image_format == "JPEG" else {}
    plain = image if image.mode in ("L", "RGB") else image.convert(_plain_mode(image))
    plain.save(out, image_format, **options)
    return out.getvalue()


def _decode(data: bytes, name: str) -> Image.Image:
    try:
        image = Image.open(BytesIO(data), formats=_READ_FORMATS)
        image.load()
    except Exception as error:  # Pillow's decoders raise whatever a broken file makes them trip over
        raise DatasetError(f"{name} cannot be read as an image: {error}") from error
    return image


def _plain_mode(image: Image.Image) -> str:
    return "L" if image.mode in ("1", "L", "LA", "I", "I;16", "F") else "RGB"


def _shorter_edge(image: Image.Image, length: int) -> Image.Image:
    scale = length / min(image.size)
    width, height = (max(length, round(edge * scale)) for edge in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)
