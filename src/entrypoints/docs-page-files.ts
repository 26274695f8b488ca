/** The page. Its links are relative, so that it also works where a proxy puts the gateway under a path. */
export const docsHtml = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Skillgate</title>
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <link rel="stylesheet" href="docs/page.css">
    <script src="docs/swagger-ui-bundle.js" defer></script>
    <script src="docs/page.js" defer></script>
  </head>
  <body>
    <form id="key-form" hidden>
      <label for="key">This gateway asks for an API key or a token.</label>
      <input id="key" type="password" autocomplete="off" required>
      <button>Show the skills</button>
    </form>
    <p id="message" role="status"></p>
    <div id="swagger-ui"></div>
    <noscript>This page needs JavaScript. <a href="openapi.json">The OpenAPI document</a> does not.</noscript>
  </body>
</html>
`;

export const docsStyle = `body { margin: 0; }
#key-form, #message { font: 16px/1.5 system-ui, sans-serif; max-width: 30rem; margin: 2rem auto; padding: 0 1rem; }
#key-form:not([hidden]) { display: grid; gap: 0.5rem; }
#key-form input, #key-form button { font: inherit; padding: 0.4rem; }
`;

/** Reads the document, asks for a key where one is due, and hands both to Swagger UI. The key stays in this page. */
export const docsScript = `const form = document.querySelector('#key-form');
const message = document.querySelector('#message');

async function show(key) {
  const headers = key ? { authorization: 'Bearer ' + key } : {};
  const response = await fetch('openapi.json', { headers });
  const body = await response.json();
  if (!response.ok) {
    form.hidden = response.status !== 401;
    message.textContent = key || response.status !== 401 ? body.detail : '';
    return;
  }
  form.hidden = true;
  message.textContent = '';
  const ui = SwaggerUIBundle({
    dom_id: '#swagger-ui',
    // The address that this page came from: behind a proxy the gateway does not know it.
    spec: { ...body, servers: [{ url: new URL('.', location.href).href.replace(/\\/$/, '') }] },
    deepLinking: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: () => {
      if (key) ui.preauthorizeApiKey('bearer', key);
    },
  });
}

function load(key) {
  show(key).catch((error) => {
    message.textContent = 'The OpenAPI document cannot be shown: ' + error.message;
  });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  load(document.querySelector('#key').value.trim());
});
load('');
`;
