"""Published results as pages: a card for each claim, and the site they make."""
