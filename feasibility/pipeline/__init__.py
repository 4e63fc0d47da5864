"""Place the models of a chain on client and server, one after another."""

from feasibility.pipeline.answer import answer
from feasibility.pipeline.build import build
from feasibility.pipeline.file import read
from feasibility.pipeline.records import Chain, ChainAnswer, Plan, Stage

__all__ = ["Chain", "ChainAnswer", "Plan", "Stage", "answer", "build", "read"]
