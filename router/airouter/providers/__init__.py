"""Who answers: where, with which authentication, and how their errors read."""
