"""What every test starts with."""

from __future__ import annotations

import sys

# Only the tests' own folder is on the path; the package is read from src, or from where it is
# installed when HYDRAPIN_TEST_INSTALLED is set.
import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
if not os.environ.get("HYDRAPIN_TEST_INSTALLED"):
    sys.path.insert(0, str(HERE.parent / "src"))
