// Parameters: a table of keys.
#include "parameters.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <utility>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/rescue/secrets.hpp"

namespace salvage::nbdkit {

const char* const parameters_help =
    "file=DUMP          dump, partition image, split raw (.001), sparse image, device  [required]\n"
    "what=NAME          userdata (decrypted), dump, or part:NAME  [userdata; export names choose, too]\n"
    "scatter=FILE       another source of the layout (repeatable)\n"
    "footer=FILE        file that holds the crypto footer, where it is not in the dump\n"
    "map=FILE           ddrescue mapfile [DUMP.map where it exists]\n"
    "secret-file=FILE   file with the PIN, pattern digits or password (repeatable)\n"
    "secret=-           ask for it; secret=+FILE reads a file, secret=-FD a descriptor\n"
    "key-file=FILE      file with the volume key itself, raw or hex\n"
    "cipher=NAME        dm-crypt cipher of that key [aes-cbc-essiv:sha256]\n"
    "sector-size=BYTES  its sector size, 512 to 4096 [probed]\n"
    "iv-base=WHERE      where its sector numbers start: partition or disk [partition]\n"
    "phone-enc-key=FILE, phone-hmac-key=FILE   this phone's keymaster keys (Qualcomm)";

namespace {

std::filesystem::path absolute(const char* path)
{
    std::error_code problem;
    auto out = std::filesystem::absolute(path, problem);
    return problem ? std::filesystem::path{path} : out;
}

/// nbdkit's own notation of passwords, but for the password itself: others could read it there.
Result<> take_secret(Parameters& into, const char* value)
{
    const std::string_view text{value};
    if (!text.starts_with('-') && !text.starts_with('+')) {
        return invalid_argument("a secret does not go on the command line", "others can read it there",
                                "give secret=- to be asked, or secret-file=FILE");
    }
    char* read = nullptr;
    if (::nbdkit_read_password(value, &read) != 0) {
        return Error{ErrorCode::io, "the secret cannot be read", {}, std::nullopt, {}, {}};
    }
    const std::span secret{read, std::string_view{read}.size()};
    std::ranges::move(rescue::encodings_of(std::as_bytes(secret)), std::back_inserter(into.given));
    wipe(std::as_writable_bytes(secret));
    std::free(read); // NOLINT(cppcoreguidelines-no-malloc): nbdkit allocated it so
    return {};
}

Result<> take_sector_size(Parameters& into, const char* value)
{
    const auto bytes = SALVAGE_TRY(parse_quantity(value).in("reading sector-size"));
    into.secrets.sector = SectorSize::make(bytes);
    if (!into.secrets.sector) {
        return invalid_argument("the sector size is not one", value, "a power of two from 512 to 4096 was expected");
    }
    return {};
}

Result<> take_iv_base(Parameters& into, const char* value)
{
    const std::string_view base{value};
    if (base != "partition" && base != "disk") {
        return invalid_argument("iv-base is neither partition nor disk", value);
    }
    into.secrets.is_iv_counted_from_disk = base == "disk";
    return {};
}

struct Key {
    std::string_view name;
    Result<> (*take)(Parameters&, const char*);
};

template <auto Set>
Result<> plain(Parameters& into, const char* value)
{
    Set(into, value);
    return {};
}

constexpr std::array keys{
    Key{"file", plain<[](Parameters& into, const char* value) { into.dump.path = absolute(value); }>},
    Key{"what", plain<[](Parameters& into, const char* value) { into.what = value; }>},
    Key{"scatter",
        plain<[](Parameters& into, const char* value) { into.dump.layout_files.push_back(absolute(value)); }>},
    Key{"footer", plain<[](Parameters& into, const char* value) { into.dump.footer_file = absolute(value); }>},
    Key{"map", plain<[](Parameters& into, const char* value) { into.dump.map_file = absolute(value); }>},
    Key{"secret-file",
        plain<[](Parameters& into, const char* value) { into.secrets.secrets.push_back(absolute(value)); }>},
    Key{"secret", take_secret},
    Key{"key-file", plain<[](Parameters& into, const char* value) { into.secrets.master_key = absolute(value); }>},
    Key{"cipher", plain<[](Parameters& into, const char* value) { into.secrets.cipher = value; }>},
    Key{"sector-size", take_sector_size},
    Key{"iv-base", take_iv_base},
    Key{"phone-enc-key",
        plain<[](Parameters& into, const char* value) { into.secrets.phone_enc_key = absolute(value); }>},
    Key{"phone-hmac-key",
        plain<[](Parameters& into, const char* value) { into.secrets.phone_hmac_key = absolute(value); }>},
};

} // namespace

Result<> Parameters::take(std::string_view key, const char* value)
{
    const auto* const found = std::ranges::find(keys, key, &Key::name);
    if (found == keys.end()) {
        return invalid_argument(fmt::format("there is no parameter '{}'", printable(key)), {},
                                "nbdkit salvage --help lists them");
    }
    return found->take(*this, value);
}

} // namespace salvage::nbdkit
