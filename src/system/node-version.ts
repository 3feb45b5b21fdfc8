// Checks whether this Node.js is new enough. npm only warns when it installs halfpipe on an older
// one, and the program would then fail with errors that do not name the cause.

/**
 * Returns what is wrong and what to do, or undefined. `version` is process.version, `engines` is
 * package.json's. The Debian package has no `engines`, because it has its own Node.js.
 */
export function tooOldNode(version: string, engines?: { readonly node: string }): string | undefined {
  const least = engines?.node.replace('>=', 'v');
  if (least === undefined || version.localeCompare(least, 'en', { numeric: true }) >= 0) return undefined;
  return (
    `Node.js ${least.slice(1)} or newer is needed, and this is ${version}: ` +
    'install a newer one, or the Debian package, which has its own'
  );
}
