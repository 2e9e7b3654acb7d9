#!/bin/sh
# Writes tests/data/crypto/rsa.vec: RSA keys made by OpenSSL, and raw private operations (m^d mod n) done by OpenSSL's
# pkeyutl.  The keys are for tests only.  Needs: openssl 3, xxd.  Usage: make_rsa_test_key.sh > tests/data/crypto/rsa.vec
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

hex() { xxd -p -c 0; }
key() { openssl genrsa -out "$1.pem" "$1" 2>/dev/null; }
pkcs1() { openssl rsa -in "$1" -traditional -outform DER 2>/dev/null | hex; }
pkcs8() { openssl pkcs8 -topk8 -nocrypt -in "$1" -outform DER | hex; }
# A number of `openssl rsa -text` as hex digits.
field() { openssl rsa -in "$1" -noout -text | awk -v name="$2" '
    index($0, name ":") == 1 { inside = 1; next } /^[a-zA-Z]/ { inside = 0 } inside { gsub(/[ :]/, ""); printf "%s", $0 }'; }
sign() { xxd -r -p | openssl pkeyutl -decrypt -inkey "$1" -pkeyopt rsa_padding_mode:none | hex; }
zeros() { printf "%0$(($1 * 2))d" 0; }

# The message of Android's kdf 5: a zero byte, 32 bytes, zeros up to the modulus' size.
message() { printf '00%s%s' "$1" "$(zeros $(($2 / 8 - 33)))"; }

printf '# Made by tools/testdata/make_rsa_test_key.sh with %s.\n' "$(openssl version | cut -d' ' -f1,2)"
printf '# Signature = openssl pkeyutl -decrypt -pkeyopt rsa_padding_mode:none.  Keys for tests only.\n\n[RSA]\n'
for bits in 512 2048 4096; do
    key $bits
    m=$(message "$(openssl rand -hex 32)" $bits)
    printf 'Bits = %s\nPkcs1 = %s\nPkcs8 = %s\n' $bits "$(pkcs1 $bits.pem)" "$(pkcs8 $bits.pem)"
    printf 'Modulus = %s\nPublicExponent = 010001\nPrivateExponent = %s\n' "$(field $bits.pem modulus)" "$(field $bits.pem privateExponent)"
    printf 'Message = %s\nSignature = %s\n\n' "$m" "$(printf %s "$m" | sign $bits.pem)"
done

printf '# A message whose signature begins with a zero byte: it must not become shorter.\n[Padding]\n'
count=0
while :; do
    count=$((count + 1))
    m=$(message "$(printf '%064x' $count)" 512)
    s=$(printf %s "$m" | sign 512.pem)
    case $s in 00*) break ;; esac
done
printf 'Pkcs1 = %s\nMessage = %s\nSignature = %s\n\n' "$(pkcs1 512.pem)" "$m" "$s"

printf '# Private keys that are refused: another kind, and more bits than any phone has.\n[Refused]\n'
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem
printf 'Kind = P-256\nDer = %s\n\n' "$(pkcs8 ec.pem)"
key 4160
printf 'Kind = RSA of 4160 bits\nDer = %s\n' "$(pkcs1 4160.pem)"
