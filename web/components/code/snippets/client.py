from urllib.request import urlretrieve

from gradio_client import Client, handle_file

urlretrieve("http://127.0.0.1:7860/4079.png", "4079.png")
client = Client("http://127.0.0.1:7860")
reading = client.predict(handle_file("4079.png"), api_name="/predict")
print(reading["text"])
