"""The identity provider beside the instance: Microsoft Entra ID's token endpoint and the part of Graph that is read."""

from pipelines.emulator.entra.directory import Directory
from pipelines.emulator.entra.service import Entra

__all__ = ["Directory", "Entra"]
