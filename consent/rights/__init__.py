"""A person's rights about what is kept of them: export, erase, correct (GDPR, 15 to 20)."""
