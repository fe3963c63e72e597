"""Stage 2, ask people: requests, personal links, answers, receipts."""
