"""Text tables as acquisition programs write them: from bytes to named columns of numbers."""
