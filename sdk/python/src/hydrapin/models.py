"""What is sent to the server (TypedDicts) and what it answers (frozen dataclasses)."""

from ._generated.models import *
from ._generated.models import __all__ as __all__
