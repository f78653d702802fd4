"""The modes of a stage: what is compared with what was measured."""
