// Writing the decrypted volume: many threads decipher, one hashes in order and keeps the book.
//
// Beside "<out>.partial" lies "<out>.partial.state" with the chunks that are safely on the medium; a later run believes
// that many and no more.
#include "salvage/rescue/decrypt.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "rescue/chunk_pipeline.hpp"
#include "rescue/image_writer.hpp"
#include "rescue/out_folder.hpp"
#include "rescue/pieces.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;

// Two buffers a worker: 12 workers stay below 32 MiB, and no disk keeps up with more.
constexpr unsigned max_workers = 12;
// No filesystem we write to takes a larger file; a sparse image counts its blocks in 32 bits.
constexpr ByteCount max_image{16ULL << 40U};
// A state names every lost range: one of 40 bytes for each of a million.
constexpr ByteCount max_state_bytes{64ULL << 20U};
constexpr std::string_view state_schema = "salvage.decrypt-state/1";
// Seldom enough to cost nothing, often enough to lose little.
constexpr std::chrono::seconds checkpoint_interval{5};

/// What an earlier run left behind, as far as it is safe.
struct Progressed {
    std::uint64_t chunks{0}; ///< from the start on
    std::vector<ByteRange> lost;
    SparsePosition sparse;
};

unsigned worker_count(unsigned wanted)
{
    // The hash goes in order and sets the pace; it has a core of its own.
    const auto count = wanted != 0 ? wanted : std::max(std::thread::hardware_concurrency(), 2U) - 1;
    return std::clamp(count, 1U, max_workers);
}

std::string_view name_of(ImageFormat format)
{
    return format == ImageFormat::raw ? "raw" : "android-sparse";
}

/// The state file of one image.
class StateFile {
public:
    StateFile(const std::filesystem::path& out, const DecryptOptions& options, ByteCount size)
        : path_{out.string() + ".partial.state"}, options_{&options}, size_{size}
    {
    }

    /// Nothing where there is none.  Errors: already_exists (of another source or another form).
    [[nodiscard]] Result<std::optional<Progressed>> read() const
    {
        std::error_code problem;
        if (!std::filesystem::exists(path_, problem)) {
            return std::optional<Progressed>{};
        }
        const auto file = SALVAGE_TRY(io::open_file(path_));
        const auto bytes = SALVAGE_TRY(io::read_all(*file, max_state_bytes));
        const auto json = parse_object(as_text(bytes));
        if (!json || get_text(*json, "schema") != state_schema) {
            return other("it is not in the form " + std::string{state_schema});
        }
        const auto source = get_text(*json, "source").value_or(std::string{});
        if (source != options_->source_identity) {
            return other(
                fmt::format("it is of '{}', this is '{}'", printable(source), printable(options_->source_identity)));
        }
        if (get_number(*json, "size") != size_.value || get_text(*json, "format") != name_of(options_->format)) {
            return other("it is of another size or format");
        }
        return std::optional{progress_from(*json)};
    }

    Result<> write(const Progressed& progress) const
    {
        auto json = Json::object();
        json["schema"] = state_schema;
        put_text(json, "source", options_->source_identity);
        json["size"] = size_.value;
        json["format"] = name_of(options_->format);
        json["chunks"] = progress.chunks;
        json["sparse"] = {progress.sparse.file_end, progress.sparse.chunks, progress.sparse.blocks};
        auto lost = Json::array();
        for (const auto& range : progress.lost) {
            lost.push_back(range.start().value);
            lost.push_back(range.size().value);
        }
        json["lost"] = std::move(lost);
        const auto text = to_line(json);
        return io::write_file_atomically(path_, as_bytes(text), io::Existing::replace);
    }

    void remove() const
    {
        std::error_code nothing_to_do;
        std::filesystem::remove(path_, nothing_to_do);
    }

private:
    [[nodiscard]] Error other(std::string why) const
    {
        return Error{ErrorCode::already_exists,
                     fmt::format("{} belongs to another unfinished image", path_.string()),
                     std::move(why),
                     std::nullopt,
                     "name another file with -o, or remove the .partial and its .state",
                     {}};
    }

    static std::optional<std::vector<std::uint64_t>> numbers_of(const Json& json, const std::string& key)
    {
        const auto found = json.find(key);
        const auto is_number = [](const Json& one) { return one.is_number_unsigned(); };
        if (found == json.end() || !found->is_array() || !std::ranges::all_of(*found, is_number)) {
            return std::nullopt;
        }
        return found->get<std::vector<std::uint64_t>>();
    }

    /// Anyone may have edited the file: what does not fit means starting over.
    [[nodiscard]] Progressed progress_from(const Json& json) const
    {
        const auto chunks = get_number(json, "chunks");
        const auto lost = numbers_of(json, "lost");
        const auto sparse = numbers_of(json, "sparse");
        if (!chunks || *chunks > (size_.value + chunk_bytes - 1) / chunk_bytes || !lost || lost->size() % 2 != 0 ||
            !sparse || sparse->size() != 3) {
            return {};
        }
        Progressed out{.chunks = *chunks,
                       .lost = {},
                       .sparse = {.file_end = (*sparse)[0], .chunks = (*sparse)[1], .blocks = (*sparse)[2]}};
        for (std::size_t i = 0; i < lost->size(); i += 2) {
            const auto range = ByteRange::make(ByteOffset{(*lost)[i]}, ByteCount{(*lost)[i + 1]});
            if (!range || range->end().value > size_.value) {
                return {};
            }
            out.lost.push_back(*range);
        }
        return out;
    }

    std::filesystem::path path_;
    const DecryptOptions* options_;
    ByteCount size_;
};

/// What can be gone on with: a state, and a ".partial" that is as long as that state says.
Result<Progressed> leftover_of(const std::filesystem::path& out, const StateFile& state, const DecryptOptions& options,
                               ByteCount size)
{
    std::error_code missing;
    const auto written = std::filesystem::file_size(out.string() + ".partial", missing);
    if (missing) {
        state.remove(); // of a run that was killed just after it had finished
        return Progressed{};
    }
    auto known = SALVAGE_TRY(state.read()).value_or(Progressed{});
    const auto is_whole = options.format == ImageFormat::raw ? written == size.value : written >= known.sparse.file_end;
    return is_whole ? known : Progressed{};
}

class Decryption {
public:
    Decryption(io::SourcePtr plain, io::OutputFile file, StateFile state, Progressed resumed,
               const DecryptOptions& options, const RunContext& context)
        : plain_{std::move(plain)}, file_{std::move(file)}, state_{std::move(state)}, resumed_{std::move(resumed)},
          options_{&options}, context_{&context}, sparse_{file_, resumed_.sparse}
    {
    }

    Result<DecryptReport> run()
    {
        if (is_raw()) {
            SALVAGE_TRY(file_.set_size(plain_->size()));
        }
        for (const auto& range : resumed_.lost) {
            losses_.add(range);
        }
        auto done = run_chunks();
        if (!done.has_value()) {
            // What is there already is safe for the next run.
            ignore(last_checkpoint(done.error().code), "the first error is the one that matters");
            return with_need(std::move(done).error(), still_needed(), folder());
        }
        SALVAGE_TRY(is_raw() ? Result<>{} : sparse_.finish());
        SALVAGE_TRY(file_.commit());
        state_.remove();
        return DecryptReport{.path = file_.path().string(),
                             .size = plain_->size(),
                             .sha256 = has_hash() ? to_hex(hash_.finish()) : std::string{},
                             .lost = losses_.ranges(),
                             .resumed = resumed_bytes(),
                             .hashing = options_->hashing};
    }

private:
    [[nodiscard]] bool is_raw() const noexcept { return options_->format == ImageFormat::raw; }
    [[nodiscard]] bool has_hash() const noexcept { return options_->hashing == Hashing::yes && losses_.is_empty(); }
    [[nodiscard]] std::uint64_t chunk_count() const { return (plain_->size().value + chunk_bytes - 1) / chunk_bytes; }
    [[nodiscard]] ByteRange range_of(std::uint64_t number) const
    {
        const ByteOffset start{number * chunk_bytes};
        const ByteOffset end{std::min(start.value + chunk_bytes, plain_->size().value)};
        return ByteRange::between(start, end);
    }
    [[nodiscard]] ByteCount resumed_bytes() const
    {
        return ByteCount{std::min(resumed_.chunks * chunk_bytes, plain_->size().value)};
    }
    [[nodiscard]] ByteCount still_needed() const
    {
        return ByteCount{plain_->size().value - std::min(done_ * chunk_bytes, plain_->size().value)};
    }
    [[nodiscard]] std::filesystem::path folder() const
    {
        return file_.path().has_parent_path() ? file_.path().parent_path() : std::filesystem::path{"."};
    }

    Result<> run_chunks()
    {
        ChunkPipeline pipeline{chunk_count(), worker_count(options_->workers),
                               [this](std::uint64_t number, Chunk& chunk) { return make(number, chunk); }};
        auto checked_at = context_->clock->now();
        while (done_ < chunk_count()) {
            if (context_->is_stopped()) {
                return cancelled("decrypting");
            }
            const auto chunk = SALVAGE_TRY(pipeline.next());
            SALVAGE_TRY(take(chunk));
            const auto now = context_->clock->now();
            if (now - checked_at >= checkpoint_interval) {
                SALVAGE_TRY(checkpoint());
                checked_at = now;
            }
        }
        return {};
    }

    /// In a worker: reads and deciphers a chunk, and writes it where it has a fixed place.
    Result<> make(std::uint64_t number, Chunk& chunk)
    {
        const auto range = range_of(number);
        chunk.count = static_cast<std::size_t>(range.size().value);
        const auto bytes = std::span{*chunk.buffer}.first(chunk.count);
        if (number < resumed_.chunks && (!resumed_.lost.empty() || options_->hashing == Hashing::no)) {
            return {}; // written already, and there will be no hash
        }
        if (is_raw() && number < resumed_.chunks) {
            chunk.extents = {io::Extent{.range = range, .kind = io::ExtentKind::data}};
            return read_back(range, bytes);
        }
        if (is_raw() && options_->hashing == Hashing::no) {
            return pass_through(range, bytes.first(std::min(near_bytes, bytes.size())), chunk.extents);
        }
        chunk.extents = SALVAGE_TRY(
            read_what_is_there(*plain_, range, bytes, Tolerate::unreadable).in("reading the volume to decrypt it"));
        if (is_raw() && !is_hole(chunk.extents)) {
            return file_.write_sparse_at(range.start(), bytes);
        }
        return {};
    }

    /// Where nobody wants the bytes afterwards: piece by piece through `room`.
    Result<> pass_through(ByteRange range, std::span<std::byte> room, std::vector<io::Extent>& extents)
    {
        for (auto at = range.start(); at < range.end();) {
            const auto piece = ByteRange::between(at, std::min(at + ByteCount{room.size()}, range.end()));
            const auto bytes = room.first(static_cast<std::size_t>(piece.size().value));
            const auto found = SALVAGE_TRY(
                read_what_is_there(*plain_, piece, bytes, Tolerate::unreadable).in("reading the volume to decrypt it"));
            if (!is_hole(found)) {
                SALVAGE_TRY(file_.write_sparse_at(piece.start(), bytes));
            }
            extents.insert(extents.end(), found.begin(), found.end());
            at = piece.end();
        }
        extents = io::merged(std::move(extents));
        return {};
    }

    /// Bytes an earlier run wrote, for the hash.
    Result<> read_back(ByteRange range, std::span<std::byte> into) const
    {
        auto at = range.start();
        while (!into.empty()) {
            const auto got = ::pread(file_.descriptor(), into.data(), into.size(), static_cast<off_t>(at.value));
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                return from_errno(got == 0 ? EIO : errno, "what an earlier run wrote cannot be read back",
                                  file_.partial_path().string());
            }
            at = at + ByteCount{static_cast<std::uint64_t>(got)};
            into = into.subspan(static_cast<std::size_t>(got));
        }
        return {};
    }

    /// In order, in the caller's thread.
    Result<> take(const Chunk& chunk)
    {
        const auto is_new = done_ >= resumed_.chunks;
        if (is_new) {
            losses_.add(chunk.extents);
        }
        const auto bytes = ByteView{*chunk.buffer}.first(chunk.count);
        if (has_hash()) {
            hash_.update(bytes);
        }
        if (!is_raw() && is_new) {
            SALVAGE_TRY(sparse_.append(bytes, chunk.extents));
        }
        ++done_;
        const auto done = std::min(done_ * chunk_bytes, plain_->size().value);
        context_->progress->update({.step = "decrypt", .unit = "bytes", .done = done, .total = plain_->size().value});
        return {};
    }

    Result<> last_checkpoint(ErrorCode reason)
    {
        if (reason == ErrorCode::no_space && is_raw() && done_ > resumed_.chunks + 1) {
            // The state needs room too: the last chunk gives its own.
            --done_;
            SALVAGE_TRY(file_.set_size(ByteCount{done_ * chunk_bytes}));
            SALVAGE_TRY(file_.set_size(plain_->size()));
        }
        return checkpoint();
    }

    Result<> checkpoint()
    {
        if (done_ <= resumed_.chunks) {
            return {}; // the state that is there says as much
        }
        Progressed now{.chunks = done_, .lost = {}, .sparse = {}};
        const auto safe = ByteRange::first(ByteCount{done_ * chunk_bytes});
        for (const auto& range : losses_.ranges()) {
            if (const auto lost = range.intersection(safe); !lost.is_empty()) {
                now.lost.push_back(lost);
            }
        }
        if (!is_raw()) {
            now.sparse = SALVAGE_TRY(sparse_.closed());
        }
        SALVAGE_TRY(file_.flush());
        return state_.write(now);
    }

    io::SourcePtr plain_;
    io::OutputFile file_;
    StateFile state_;
    Progressed resumed_;
    const DecryptOptions* options_;
    const RunContext* context_;
    SparseWriter sparse_;
    crypto::Sha256 hash_;
    Losses losses_;
    std::uint64_t done_{0}; ///< chunks taken
};

} // namespace

Result<DecryptReport> decrypt_to_file(const io::SourcePtr& plain, const std::filesystem::path& out,
                                      const DecryptOptions& options, const RunContext& context)
{
    if (plain->size() > max_image) {
        return unsupported(
            "the volume is larger than an image can be",
            fmt::format("it has {}, the limit is {}", format_size_exact(plain->size()), format_size_exact(max_image)));
    }
    const StateFile state{out, options, plain->size()};
    const auto known = SALVAGE_TRY(leftover_of(out, state, options, plain->size()));
    auto file =
        SALVAGE_TRY(io::OutputFile::create(out, known.chunks > 0 ? io::Leftover::keep : io::Leftover::start_over));
    return Decryption{plain, std::move(file), state, known, options, context}.run();
}

} // namespace salvage::rescue
