"""What the page is built of: its rooms (the pad and its answer, many files, the figures, the code), what the endpoint
takes and gives, the texts and the look.

Each component is a gr.HTML with its HTML, CSS and JavaScript in files beside it. How they hang together on the page
stands in demo.py; nothing here knows the reader's network.
"""
