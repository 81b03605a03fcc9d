// Gradio has set its own title by now, the same for everyone.

document.title = texts.page.title;
