// The folder of an extraction: files appear in it in batches, whole; the lists appear last.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rescue/growing_files.hpp"
#include "rescue/hash_lane.hpp"
#include "rescue/out_folder.hpp"
#include "rescue/pieces.hpp"
#include "rescue/target_tree.hpp"
#include "salvage/artifact/extraction.hpp"
#include "salvage/rescue/extract.hpp"

namespace salvage::rescue {

/// What an extraction writes into.  Not thread safe; stays where it is.
class ExtractFolder final : public artifact::Sink {
public:
    /// `pages`, `report` and `context` outlive it.
    /// Errors: already_exists (the folder holds something else), io, no_space.
    [[nodiscard]] static Result<std::unique_ptr<ExtractFolder>> open(const std::filesystem::path& path,
                                                                     const ExtractRequest& request,
                                                                     const ExtractPages& pages, ExtractReport& report,
                                                                     const RunContext& context);

    Result<std::unique_ptr<artifact::TextOutput>> begin(const std::string& path) override;
    Result<artifact::Stored> store(const io::ByteSource& content, const std::string& folder, const std::string& name,
                                   std::optional<std::int64_t> modified_ns, const artifact::Origin& origin) override;
    Result<> page(const artifact::TablePage& page) override;
    Result<> page(const artifact::ConversationPage& page) override;
    Result<> page(const artifact::GalleryPage& page) override;
    void index(artifact::IndexEntry entry) override;

    /// Draws the first page and lets the lists appear.  Errors: io, no_space.
    Result<> finish();

private:
    class Text;
    struct Pending {
        UnfinishedFile file;
        TreePlace place;
        std::string line;   ///< of the manifest
        std::string sha256; ///< of the file as it is here
    };
    struct Lists {
        TextFile manifest;
        TextFile sums;
    };

    ExtractFolder(OutFolder folder, TargetTree tree, Lists lists, const ExtractPages& pages, ExtractReport& report,
                  const RunContext& context);
    Result<> draw(const DrawnPage& page);
    Result<> write_whole(const std::string& path, std::string_view text);
    [[nodiscard]] TreePlace free_place(const std::string& folder, const std::string& name);
    Result<> make_folders(const std::string& folder);
    Result<> push(Pending pending, ByteCount size);
    Result<> finish_batch();
    Result<> name(Pending& pending);
    Result<bool> link_to_first(const std::string& sha256, const TreePlace& place);
    void advance();

    OutFolder folder_;
    TargetTree tree_;
    Lists lists_;
    const ExtractPages* pages_;
    ExtractReport* report_;
    const RunContext* context_;
    std::vector<Pending> pending_;
    ByteCount pending_bytes_;
    std::unordered_set<std::string> taken_;               ///< places, without case
    std::unordered_set<std::string> folders_;             ///< that were made
    std::unordered_map<std::string, std::string> firsts_; ///< first place of whole files of the phone, by SHA-256
    std::vector<artifact::IndexEntry> entries_;
    std::size_t index_bytes_{0}; ///< of the texts in entries_
    BufferPool pool_{4, chunk_bytes};
    HashLane lane_;
};

} // namespace salvage::rescue
