"""The parts of Compare: the question, the models, an answer's column, ratings, and the history of both."""
