// The people that answer for a package: the one that builds it says so. Without a word, the package says that there is
// nobody, rather than name somebody that would not answer.

export const NO_MAINTAINER = 'Local build without a maintainer <nobody@halfpipe.invalid>';

/** As deb-control(5) wants it, from the option or the environment. Throws a TypeError when it is written otherwise. */
export function checkedMaintainer(maintainer: string | undefined): string {
  if (maintainer === undefined || maintainer === '') return NO_MAINTAINER;
  if (!/^[^\s<>][^<>\n]* <[^\s<>@]+@[^\s<>@]+>$/.test(maintainer))
    throw new TypeError(
      `the maintainer has to be like 'Ada Lovelace <ada@example.org>', not '${maintainer}'`,
    );
  return maintainer;
}
