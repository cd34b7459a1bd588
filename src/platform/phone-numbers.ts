import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/max';

interface PhoneNumbersOptions {
  /** Whose numbers are written without a country code. */
  defaultCountry: CountryCode;
  /** Which countries' numbers are taken; all of them if absent. */
  countries: readonly CountryCode[] | undefined;
}

/** Reads phone numbers as people write them. */
export function createPhoneNumbers({ defaultCountry, countries }: PhoneNumbersOptions) {
  return {
    /** The one E.164 form of a number; `null` if it is none, or of a country that is not served. */
    parse(text: string): string | null {
      const number = parsePhoneNumberFromString(text, { defaultCountry, extract: false });
      if (!number?.isValid() || number.ext) return null;
      const isServed = !countries || (number.country !== undefined && countries.includes(number.country));
      return isServed ? number.number : null;
    },
  };
}
