"""The version of this Luthier."""

VERSION = "0.1.0"
