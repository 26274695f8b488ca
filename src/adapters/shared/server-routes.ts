/** Gives the URL of a route of one server. */
export type RouteOf = (path: string) => URL;

/**
 * Makes the routes of a server, below whatever path its own URL has; the host is always that of the URL.
 *
 * @param text the server's URL
 * @param ending what the URL may end in and stands for nothing, such as `/v1`
 */
export function serverRoutes(text: string, ending = ''): RouteOf {
  const base = new URL(text);
  const trimmed = base.pathname.replace(/\/+$/, '');
  const root = trimmed.endsWith(ending) ? trimmed.slice(0, trimmed.length - ending.length) : trimmed;
  return (path) => {
    const url = new URL(base);
    url.pathname = root.replace(/\/+$/, '') + path;
    return url;
  };
}
