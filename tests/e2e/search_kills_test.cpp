// A thousand kills at seeded moments of searches in every mode: no candidate is skipped, and the result is that of a
// search that was left in peace.
//
// The search runs in a child process that is killed with SIGKILL.  What it judged stands in memory that it shares with
// its parent, which counts and starts the next child on the session file that the killed one left.
#include <array>
#include <atomic>
#include <csignal>
#include <random>
#include <thread>
#include <unordered_map>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/password/session.hpp"
#include "salvage/rescue/attacks.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage {
namespace {

using test::TemporaryFolder;

constexpr std::size_t most_candidates = 20'000;
constexpr unsigned kills_wanted = 1000;

/// Counters that outlive a killed child.
class SharedCounts {
public:
    SharedCounts()
        : memory_{mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)},
          counts_{static_cast<std::atomic<std::uint32_t>*>(memory_)}
    {
    }
    SharedCounts(const SharedCounts&) = delete;
    SharedCounts& operator=(const SharedCounts&) = delete;
    ~SharedCounts() { munmap(memory_, bytes); }
    void clear() { std::fill_n(counts_, most_candidates, 0U); }
    std::atomic<std::uint32_t>& operator[](std::size_t index) { return counts_[index]; }

private:
    static constexpr std::size_t bytes = most_candidates * sizeof(std::atomic<std::uint32_t>);
    void* memory_;
    std::atomic<std::uint32_t>* counts_;
};

/// Derives nothing, slowly.
class SlowDevice final : public crypto::KdfDevice {
public:
    std::string name() const override { return "slow"; }
    std::size_t batch_size(const crypto::KdfJob& /*job*/) const noexcept override { return 8; }
    Result<> derive(const crypto::KdfJob& /*job*/, std::span<const ByteView> /*secrets*/,
                    std::span<std::byte> /*keys*/) override
    {
        std::this_thread::sleep_for(std::chrono::microseconds{20});
        return {};
    }
};

/// Counts each candidate at its place in the keyspace; one of them opens.
class Witness final : public password::Target {
public:
    Witness(const std::unordered_map<std::string, std::vector<std::size_t>>& places, std::string right,
            SharedCounts& counts)
        : places_{&places}, right_{std::move(right)}, counts_{&counts}
    {
    }
    Result<std::unique_ptr<password::Judge>> make_judge(crypto::KdfDevice& device) const override
    {
        return std::make_unique<WitnessJudge>(*this, device);
    }
    Result<std::vector<std::string>> proof(ByteView /*candidate*/) const override { return std::vector<std::string>{}; }
    std::string identity() const override { return "witness"; }

private:
    class WitnessJudge final : public password::Judge {
    public:
        WitnessJudge(const Witness& witness, crypto::KdfDevice& device) : witness_{&witness}, device_{&device} {}
        std::size_t batch_size() const noexcept override { return 8; }
        Result<std::optional<std::size_t>> first_accepted(std::span<const ByteView> batch) override
        {
            SALVAGE_TRY(device_->derive({}, batch, {}));
            std::optional<std::size_t> hit;
            for (std::size_t i = 0; i < batch.size(); ++i) {
                const std::string text{as_text(batch[i])};
                for (const auto place : witness_->places_->at(text)) {
                    ++(*witness_->counts_)[place];
                }
                if (!hit && text == witness_->right_) {
                    hit = i;
                }
            }
            return hit;
        }

    private:
        const Witness* witness_;
        crypto::KdfDevice* device_;
    };

    const std::unordered_map<std::string, std::vector<std::size_t>>* places_;
    std::string right_;
    SharedCounts* counts_;
};

struct Mode {
    std::string name;
    rescue::AttackSpec spec;
};

std::vector<Mode> modes(const TemporaryFolder& folder)
{
    std::string words;
    for (unsigned i = 0; i < 300; ++i) {
        words += fmt::format("word{}\n", i * 7919 % 1000);
    }
    const auto list = folder.write("words.txt", as_bytes(words)).string();
    const auto few = folder.write("few.txt", as_bytes("a\nbb\nccc\n")).string();
    const auto rules = folder.write("some.rule", as_bytes(":\nu\n$1\n>8\nr\n^x$y\n")).string();
    std::vector<Mode> out;
    const auto add = [&](std::string name) -> rescue::AttackSpec& {
        out.push_back({.name = std::move(name), .spec = {}});
        return out.back().spec;
    };
    add("pins").pins = "4";
    add("patterns").grid = 3;
    out.back().spec.max_dots = 4;
    add("half a pattern").pattern = "1-?-?-?-?";
    add("dates").dates = "1990-1992";
    add("half a password").remembered = {"[Ss]ommer?d{1,2}(!|)"};
    auto& mask = add("mask");
    mask.mode = rescue::AttackMode::mask;
    mask.words = {"?1?d?d?l"};
    mask.charsets.front() = "abc";
    mask.increment = password::MaskIncrement{};
    auto& straight = add("words with rules");
    straight.words = {list};
    straight.rule_files = {rules};
    auto& combined = add("two lists");
    combined.mode = rescue::AttackMode::combinator;
    combined.words = {list, few};
    auto& hybrid = add("words and mask");
    hybrid.mode = rescue::AttackMode::words_mask;
    hybrid.words = {list, "?d"};
    auto& reverse = add("mask and words");
    reverse.mode = rescue::AttackMode::mask_words;
    reverse.words = {"?d", list};
    return out;
}

/// A mode's candidates by number, and where each text stands.
struct Listing {
    password::KeyspacePtr keyspace;
    std::vector<password::Candidate> candidates;
    std::unordered_map<std::string, std::vector<std::size_t>> places;
};

Listing listing_of(const Mode& mode)
{
    Listing out;
    std::vector<password::KeyspacePtr> parts;
    for (auto& step : rescue::make_attacks(mode.spec, -1, {}).unwrap()) {
        parts.push_back(step.keyspace);
    }
    out.keyspace = password::make_chain(std::move(parts)).unwrap();
    out.candidates.resize(out.keyspace->size().value);
    EXPECT_EQ(out.keyspace->candidates(0, out.candidates).unwrap(), out.candidates.size());
    for (std::size_t i = 0; i < out.candidates.size(); ++i) {
        if (!out.candidates[i].is_rejected) {
            out.places[out.candidates[i].bytes].push_back(i);
        }
    }
    return out;
}

Result<password::SearchResult> search(const Listing& listing, const password::Target& target,
                                      const std::filesystem::path& session)
{
    password::SearchOptions options;
    options.checkpoint_interval = std::chrono::milliseconds{2};
    options.checkpoint = [&](const password::SearchState& state) {
        return password::save_session(session, {.state = state, .command = {}, .folder = {}});
    };
    if (std::filesystem::exists(session)) {
        options.resume = SALVAGE_TRY(password::load_session(session)).state;
    }
    password::Devices devices;
    devices.push_back(std::make_unique<SlowDevice>());
    devices.push_back(std::make_unique<SlowDevice>());
    const password::Target* const one = &target;
    return password::search(*listing.keyspace, std::span{&one, 1}, devices, options, {});
}

/// Runs a child until it ends by itself or is killed after `patience`; true where it was killed.
bool run_and_kill(const Listing& listing, const password::Target& target, const std::filesystem::path& session,
                  std::chrono::microseconds patience)
{
    const auto child = fork();
    if (child == 0) {
        _exit(search(listing, target, session).has_value() ? 0 : 1);
    }
    const auto end = std::chrono::steady_clock::now() + patience;
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() >= end) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return WIFSIGNALED(status);
        }
        std::this_thread::sleep_for(std::chrono::microseconds{100});
    }
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "a child failed";
    return false;
}

TEST(SearchKills, ThousandAtSeededMomentsSkipNothingInAnyMode)
{
    const TemporaryFolder folder;
    const auto all = modes(folder);
    std::mt19937_64 random{20261125};
    SharedCounts counts;
    unsigned kills = 0;
    unsigned searches = 0;
    for (std::size_t turn = 0; kills < kills_wanted; ++turn) {
        const auto& mode = all[turn % all.size()];
        const auto listing = listing_of(mode);
        ASSERT_LE(listing.candidates.size(), most_candidates) << mode.name;
        // The last number that stands for a candidate opens: everything before has to be judged.
        auto last = listing.candidates.size() - 1;
        while (listing.candidates[last].is_rejected ||
               listing.places.at(listing.candidates[last].bytes).front() != last) {
            --last;
        }
        counts.clear();
        const Witness witness{listing.places, listing.candidates[last].bytes, counts};
        const auto session = folder.path() / fmt::format("{}.session", turn);
        unsigned kills_here = 0;
        const std::chrono::microseconds longest{static_cast<std::int64_t>(listing.candidates.size()) * 2};
        while (run_and_kill(
            listing, witness, session,
            std::chrono::microseconds{300 + random() % static_cast<std::uint64_t>(longest.count() + 4000)})) {
            ++kills_here;
            ASSERT_LT(kills_here, 5000U) << mode.name << " does not come to its end";
        }
        const auto result = search(listing, witness, session);
        ASSERT_TRUE(test::is_ok(result)) << mode.name;
        ASSERT_EQ(result->end, password::SearchEnd::found) << mode.name;
        EXPECT_EQ(result->found.front().index, last) << mode.name;
        for (std::size_t i = 0; i <= last; ++i) {
            ASSERT_TRUE(listing.candidates[i].is_rejected || counts[i].load() > 0)
                << mode.name << ": candidate " << i << " was skipped after " << kills_here << " kills";
        }
        kills += kills_here;
        ++searches;
    }
    fmt::print("{} kills in {} searches of {} modes\n", kills, searches, all.size());
}

} // namespace
} // namespace salvage
