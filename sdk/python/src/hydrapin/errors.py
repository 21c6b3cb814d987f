"""Every error of the package, with a class for each problem code of the server."""

from ._canonical import ParamsError as ParamsError
from ._errors import APIError as APIError
from ._errors import CallError as CallError
from ._errors import ConfigurationError as ConfigurationError
from ._errors import CredentialError as CredentialError
from ._errors import HydrapinError as HydrapinError
from ._errors import NoAnswerError as NoAnswerError
from ._errors import NotConfirmedError as NotConfirmedError
from ._errors import Reason as Reason
from ._errors import UnexpectedAnswerError as UnexpectedAnswerError
from ._errors import ValidationDetail as ValidationDetail
from ._errors import ValidationError as ValidationError
from ._generated.problems import *
from ._operation import InvalidArgument as InvalidArgument
from ._summary import SummaryError as SummaryError
