// Whether this Node.js is new enough. npm installs halfpipe on an older one, too, and only warns;
// the program would then fail somewhere, in words that do not name the cause.

/**
 * What is wrong, and what to do; undefined if nothing is. `version` is process.version, `engines`
 * is package.json's. The Debian package has no `engines`, because it has its own Node.js.
 */
export function tooOldNode(version: string, engines?: { readonly node: string }): string | undefined {
  const least = engines?.node.replace('>=', 'v');
  if (least === undefined || version.localeCompare(least, 'en', { numeric: true }) >= 0) return undefined;
  return (
    `Node.js ${least.slice(1)} or newer is needed, and this is ${version}: ` +
    'install a newer one, or the Debian package, which has its own'
  );
}
