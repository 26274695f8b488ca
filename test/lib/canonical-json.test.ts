import reference from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/lib/canonical-json.ts';

describe('canonical JSON', () => {
  it("writes what the RFC's own reference implementation writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const parsed: unknown = JSON.parse(JSON.stringify(value));
        expect(canonicalJson(parsed)).toBe(reference(parsed));
      }),
    );
  });

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const parsed: unknown = JSON.parse(JSON.stringify(value));
        expect(JSON.parse(canonicalJson(parsed))).toEqual(parsed);
      }),
    );
  });

  it('writes the same text whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(object));
      }),
    );
  });

  it('sorts keys that look like numbers by their characters (RFC 8785, section 3.2.3)', () => {
    expect(canonicalJson({ 10: 1, 9: 2, '€': 3, '\r': 4, a: 5 })).toBe('{"\\r":4,"10":1,"9":2,"a":5,"€":3}');
  });

  it('keeps a lone surrogate, which a parsed body may hold', () => {
    expect(canonicalJson(JSON.parse('"\\ud800"'))).toBe('"\\ud800"');
  });
});
