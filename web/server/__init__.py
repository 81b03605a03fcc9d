"""The HTTP server: POST /predict, the limits on requests, file uploads, Gradio's retained state, and headers.

demo.py puts the parts together.
"""
