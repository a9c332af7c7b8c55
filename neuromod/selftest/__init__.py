"""A soak that a user can run: random models, cut into pieces in random ways, must give what a plain run gives."""
