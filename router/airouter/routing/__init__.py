"""Which backend answers: the catalog of models, the choice among backends, trying again."""
