// keyspace: how many candidates an attack has, and which.  The number that -s and -l of crack count in.
#include <algorithm>
#include <memory>

#include <unistd.h>

#include <fmt/format.h>

#include "crack_options.hpp"
#include "salvage/core/text.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct KeyspaceOptions {
    AttackOptions attack;
    std::uint64_t skip{0};
    std::optional<std::uint64_t> limit;
    bool is_printed{false};
};

/// A candidate as a word list holds it: raw, unless a line could not hold it.
std::string line_of(const std::string& candidate)
{
    const bool is_line = candidate.find_first_of("\r\n") == std::string::npos && !candidate.starts_with("$HEX[");
    return (is_line ? candidate : "$HEX[" + to_hex(as_bytes(candidate)) + "]") + "\n";
}

/// One a line.  A rejected number has none.
Result<> print_candidates(const password::Keyspace& keyspace, const KeyspaceOptions& options, const RunContext& context,
                          Session& session)
{
    constexpr std::size_t at_once = 4096;
    const auto size = keyspace.size().value;
    const auto first = std::min(options.skip, size);
    const auto end = first + std::min(options.limit.value_or(size), size - first);
    std::vector<password::Candidate> block(at_once);
    std::string out;
    for (auto at = first; at < end && !context.is_stopped();) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(at_once, end - at));
        const auto got = SALVAGE_TRY(keyspace.candidates(at, std::span{block}.first(count)));
        out.clear();
        for (std::size_t i = 0; i < got; ++i) {
            if (!block[i].is_rejected) {
                out += line_of(block[i].bytes);
            }
        }
        session.print(out);
        at += got;
        if (got < count) {
            break;
        }
    }
    return {};
}

Result<> run_keyspace(const KeyspaceOptions& options, Session& session)
{
    const auto context = session.context();
    const auto spec = SALVAGE_TRY(options.attack.spec());
    if (spec.is_empty()) {
        return invalid_argument("no attack is named", "without a footer there is no plan of its own",
                                "name a word list, a mask with -a 3, --pin 4 …");
    }
    const auto steps = SALVAGE_TRY(rescue::make_attacks(spec, STDIN_FILENO, context));
    std::vector<password::KeyspacePtr> parts;
    std::ranges::transform(steps, std::back_inserter(parts), &rescue::SearchStep::keyspace);
    const auto keyspace = SALVAGE_TRY(password::make_chain(std::move(parts)));
    if (options.is_printed) {
        return print_candidates(*keyspace, options, context, session);
    }
    if (keyspace->is_open_ended()) {
        return invalid_argument("the candidates of a stream cannot be counted", "standard input ends when it ends");
    }
    session.print(fmt::format("{}\n", keyspace->size().value));
    return {};
}

} // namespace

void add_keyspace(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "keyspace", "how many candidates an attack has: what -s and -l of crack count in",
             "salvage keyspace -a 3 '?d?d?d?d'\n  salvage keyspace words.txt -r best64.rule --stdout | head");
    const auto options = std::make_shared<KeyspaceOptions>();
    options->attack.add_to(command);
    command.add_flag("--stdout", options->is_printed, "print the candidates themselves");
    command.add_option("-s,--skip", options->skip, "with --stdout: leave out so many");
    command.add_option("-l,--limit", options->limit, "with --stdout: print at most so many");
    add_output_options(command, session);
    on_chosen(command, session, options, run_keyspace);
}

} // namespace salvage::cli
