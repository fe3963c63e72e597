"""The editors' side: what arrived, what is asked, what is published, and how the machine is."""
