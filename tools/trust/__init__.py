"""How far the numbers of a solve can be believed: cases, known answers, and tables."""
