import { describe, expect, test } from 'vitest';
import { mirrorsIn, newestName } from './apt.ts';

describe('the mirror of the host', () => {
  test('is found in a deb822 file, security archives and foreign repositories are not', () => {
    const text = `Types: deb
# a comment
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: https://vendor.example/debian/12/prod
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/vendor.gpg

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
`;
    expect(mirrorsIn(text, 'sources')).toEqual(['http://mirror.example/debian']);
  });

  test('is found in one-line form, with and without options', () => {
    const text = `# deb http://commented.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
deb [arch=amd64 trusted=no] http://a.example/debian trixie main contrib
deb http://b.example/debian/ bookworm main
deb https://vendor.example/apt vendor-bookworm main
`;
    expect(mirrorsIn(text, 'list')).toEqual(['http://a.example/debian', 'http://b.example/debian']);
  });
});

describe('the newest package of a pattern', () => {
  test('has the highest number, compared as numbers, and no further suffix', () => {
    const names = ['linux-image-6.1.0-9-686', 'linux-image-6.1.0-50-686', 'linux-image-6.1.0-51-686-pae'];
    expect(newestName('linux-image-6.1.0-*-686', names)).toBe('linux-image-6.1.0-50-686');
  });

  test('is an error that names the pattern if there is none', () => {
    expect(() => newestName('linux-image-6.1.0-*-686', ['linux-image-7.0-1-686'])).toThrow('linux-image-6.1.0-*-686');
  });
});
