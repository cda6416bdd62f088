"""`report`: one HTML file of what came out, to be read anywhere. Light: no torch."""
