from urllib.request import urlopen

from digits import DigitReader

image = urlopen("http://127.0.0.1:7860/4079.png").read()  # or the path of a file
reading = DigitReader().read(image)
print(reading.text)
