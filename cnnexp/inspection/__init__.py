"""One picture on its way through a network: the question, the arrays, and a folder of pictures."""
