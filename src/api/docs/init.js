// Starts Swagger UI with this server's document. Requests use the session cookie of the pages, or the token
// entered under "Authorize", which is kept only for this page.
"use strict";
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  withCredentials: true,
  defaultModelsExpandDepth: 0,
});
