// A button beside each paragraph that may be pasted elsewhere. Without it the words can be marked and
// copied as anywhere.
for (const paragraph of document.querySelectorAll('p.copied')) {
  if (!navigator.clipboard) break;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'quieter copy';
  button.textContent = 'Copy this paragraph';
  const words = paragraph.textContent;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(words);
    button.textContent = 'Copied';
  });
  paragraph.after(button);
}
