"""Names that other libraries have for what is here, with ours."""

from luthier._foreign_words.call_arguments import CALLS, OPTIMIZE, RUN, STUDY
from luthier._foreign_words.file_words import COMMAND_OPTIONS, COMMANDS, KEYS, KINDS, METHODS, SECTIONS
from luthier._foreign_words.member_names import STUDY_ATTRIBUTES, TRIAL_ATTRIBUTES
from luthier._foreign_words.module_names import NAMES
from luthier._foreign_words.picture_names import PICTURES
from luthier._foreign_words.setting_names import SETTINGS

__all__ = [
    "CALLS",
    "COMMANDS",
    "COMMAND_OPTIONS",
    "KEYS",
    "KINDS",
    "METHODS",
    "NAMES",
    "OPTIMIZE",
    "PICTURES",
    "RUN",
    "SECTIONS",
    "SETTINGS",
    "STUDY",
    "STUDY_ATTRIBUTES",
    "TRIAL_ATTRIBUTES",
]
