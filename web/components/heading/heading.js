// Gradio has set the English title by now. Replace it by the one in the visitor's language.

document.title = texts.page.title;
