"""InteractRank: the pre-ranking model, its data and its evaluation."""
