from collections import Counter
from io import BytesIO

import pytest
from PIL import Image

from image_recordio.digits import digits


@pytest.fixture(scope="module")
def data():
    return digits()


def test_the_parts_hold_all_digits_and_share_none(data):
    images = [image.name for part in (data.train, data.validation, data.held_out) for image in part]
    assert (len(images), len(set(images))) == (1797, 1797)


@pytest.mark.parametrize("part", ["validation", "held_out"])
def test_thirty_of_each_digit_are_set_apart(data, part):
    assert Counter(image.label for image in getattr(data, part)) == dict.fromkeys(range(10), 30)


def test_they_are_the_same_on_every_call(data):
    assert digits() == data


def test_the_classes_are_mixed(data):
    assert len({image.label for image in data.train[:40]}) > 5


@pytest.mark.parametrize("size", [8, 32])
def test_they_are_gray_pngs_of_the_size_asked_for(size):
    image = Image.open(BytesIO(digits(size=size).train[0].image))
    assert (image.format, image.mode, image.size) == ("PNG", "L", (size, size))
