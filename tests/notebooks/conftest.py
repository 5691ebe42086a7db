"""The little course as a fixture."""

import pytest

from tests.notebooks.tiny_course import TinyCourse


@pytest.fixture
def course(tmp_path):
    return TinyCourse(tmp_path)
