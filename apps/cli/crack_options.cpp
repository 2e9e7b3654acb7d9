// Attacks and devices of the command line.
#include "crack_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::cli {
namespace {

constexpr std::array modes{0U, 1U, 3U, 6U, 7U};

std::optional<unsigned> mode_number(std::string_view text)
{
    unsigned number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc{} && end == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

Result<std::optional<rescue::AttackMode>> mode_of(const std::vector<std::string>& texts)
{
    if (texts.empty()) {
        return std::optional<rescue::AttackMode>{};
    }
    const auto number = mode_number(texts.front());
    if (texts.size() > 1 || !number || std::ranges::find(modes, *number) == modes.end()) {
        return invalid_argument(fmt::format("there is no attack mode {}", printable(texts.back())),
                                "one of 0 words, 1 two lists, 3 mask, 6 words and mask, 7 mask and words");
    }
    return std::optional{static_cast<rescue::AttackMode>(*number)};
}

} // namespace

void AttackOptions::add_to(CLI::App& verb)
{
    verb.add_option("WORDS", words, "word lists (also gz, zst; - is standard input) and masks, as -a takes them");
    auto* const by_hashcat = verb.add_option_group("Attacks as hashcat names them");
    by_hashcat
        ->add_option("-a,--attack-mode", modes, "0 words, 1 two lists, 3 mask, 6 words and mask, 7 mask and words")
        ->allow_extra_args(false);
    by_hashcat->add_option("-r,--rules-file", rule_files, "rules for -a 0; several are multiplied")
        ->allow_extra_args(false);
    by_hashcat->add_option("-j,--rule-left", rule_left, "one rule for each word of the left list");
    by_hashcat->add_option("-k,--rule-right", rule_right, "one rule for each word of the right list");
    for (std::size_t i = 0; i < charsets.size(); ++i) {
        by_hashcat->add_option(fmt::format("-{0},--custom-charset{0}", i + 1), charsets.at(i),
                               i == 0 ? "what ?1 stands for: ?l?d-_ or a .hcchr file" : fmt::format("and ?{}", i + 1));
    }
    by_hashcat->add_flag("--hex-charset", is_hex_charset, "literal bytes of masks and charsets are in hex");
    by_hashcat->add_flag("-i,--increment", is_increment,
                         "the mask cut to its first place, to its first two, and so on");
    by_hashcat->add_option("--increment-min", increment_min, "begin with so many places");
    by_hashcat->add_option("--increment-max", increment_max, "end with so many places");
    auto* const ours = verb.add_option_group("Attacks for phones");
    ours->add_option("--pin", pins, "PINs of so many digits, people's choices first: 4, or 4-6");
    ours->add_option("--grid", grid, "unlock patterns of a grid with so many dots a row, in both encodings")
        ->check(CLI::Range(3, 6));
    ours->add_option("--max-dots", max_dots,
                     "with --grid: patterns of at most so many dots (default: 9, with --grid 6: 7)");
    ours->add_option("--pattern-like", pattern, "a pattern half remembered: 1-?-?-8; * is any number of dots");
    ours->add_option("--dates", dates, "dates as people type them: 1950-2010, or all");
    ours->add_option("--date-format", date_formats, "with --dates: DDMMYYYY, D.M.YY … (repeatable)")
        ->allow_extra_args(false);
    ours->add_option("--like", remembered, "a password half remembered: Sommer?d?d, (Anna|Otto)?d{2,4}, <sommer>19??")
        ->allow_extra_args(false);
    ours->add_option("--wordlist", wordlists, "word lists beside other attacks (repeatable)")->allow_extra_args(false);
}

std::optional<std::string> AttackOptions::take_hash_list()
{
    const auto at = std::ranges::find_if(modes, [](const auto& text) { return !mode_number(text); });
    if (at == modes.end()) {
        return std::nullopt;
    }
    auto out = std::move(*at);
    modes.erase(at);
    return out;
}

Result<rescue::AttackSpec> AttackOptions::spec() const
{
    rescue::AttackSpec out;
    out.mode = SALVAGE_TRY(mode_of(modes));
    if (out.mode && !wordlists.empty()) {
        return invalid_argument("--wordlist does not go with -a", "the lists of an attack mode stand behind FILE");
    }
    out.words = words;
    std::ranges::copy(wordlists, std::back_inserter(out.words));
    out.rule_files = {rule_files.begin(), rule_files.end()};
    out.rule_left = rule_left;
    out.rule_right = rule_right;
    std::ranges::copy(charsets, out.charsets.begin());
    out.notation = is_hex_charset ? password::MaskNotation::hex : password::MaskNotation::text;
    if (is_increment || increment_min || increment_max) {
        password::MaskIncrement increment;
        increment.min = increment_min.value_or(increment.min);
        increment.max = increment_max.value_or(increment.max);
        out.increment = increment;
    }
    out.pins = pins;
    out.grid = grid;
    out.max_dots = max_dots;
    out.pattern = pattern;
    out.dates = dates;
    out.date_formats = date_formats;
    out.remembered = remembered;
    return out;
}

void DeviceOptions::add_to(CLI::App& verb)
{
    verb.add_option("--threads,--workers", threads, "threads; 0: one a core, as far as memory goes")
        ->capture_default_str();
    verb.add_option("--isa", isa, "only kernels of this instruction set: portable, sse2, avx2, avx512, sha_ni, neon");
    verb.add_option(
        "--scrypt-lanes", scrypt_lanes,
        "scrypt guesses side by side in a thread, 1 to 32; more are faster and take memory (default: as many "
        "as three quarters of the free memory hold)");
    verb.add_option("--gpu", gpu,
                    "search on GPUs, too: auto (those found), any (and what OpenCL calls a device); proven on OpenCL's "
                    "CPU only, so none is the default")
        ->check(CLI::IsMember({"none", "auto", "any"}))
        ->capture_default_str();
}

Result<password::DeviceRequest> DeviceOptions::request() const
{
    password::DeviceRequest out{.threads = threads, .isa = {}, .scrypt_lanes = scrypt_lanes};
    out.gpu = gpu == "any" ? password::GpuUse::any : (gpu == "auto" ? password::GpuUse::found : password::GpuUse::none);
    if (!isa.empty()) {
        out.isa = SALVAGE_TRY(crypto::parse_isa(isa));
    }
    return out;
}

} // namespace salvage::cli
