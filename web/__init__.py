"""The Gradio app: what is on the page (components/), what answers requests (server/), the texts and the look.

How it hangs together stands in demo.py; nothing here knows the reader's network.
"""
